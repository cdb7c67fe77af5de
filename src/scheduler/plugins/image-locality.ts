import type { Plugin } from "../plugin.ts";

const smallBytes = 23 * 1024 * 1024;
const largeBytes = 1000 * 1024 * 1024;

/** Nodes that have the images already are better, the more so the larger they are and the more nodes have them. */
export function imageLocality(): Plugin {
  return {
    name: "ImageLocality",
    score({ spec }, cluster) {
      const images = [
        ...[...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => normalized(image ?? "")),
        ...(spec.volumes ?? []).flatMap(({ image }) => (image ? [normalized(image.reference ?? "")] : [])),
      ];
      const spreads = images.map((image) => cluster.holdersOf(image) / cluster.list.length);
      if (spreads.every((spread) => spread === 0)) return undefined;
      const most = largeBytes * images.length;
      return {
        score(node) {
          const bytes = images.reduce(
            (sum, image, at) => sum + Math.floor((node.images.get(image) ?? 0) * (spreads[at] ?? 0)),
            0,
          );
          const within = Math.min(most, Math.max(smallBytes, bytes));
          return Math.floor((100 * (within - smallBytes)) / (most - smallBytes));
        },
      };
    },
  };
}

/** A name without a tag means "latest". */
function normalized(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
