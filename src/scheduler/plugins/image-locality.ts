import type { Plugin } from "../plugin.ts";

const smallBytes = 23 * 1024 * 1024;
const largeBytes = 1000 * 1024 * 1024;

/** Nodes that have the images already are better, the more so the larger they are and the more nodes have them. */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  score({ spec }, cluster) {
    const images = [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => normalized(image ?? ""));
    const holders = images.map((image) => cluster.list.filter((node) => node.images.has(image)).length);
    if (holders.every((count) => count === 0)) return undefined;
    const most = largeBytes * images.length;
    return {
      score(node) {
        const bytes = images.reduce((sum, image, at) => {
          const spread = (holders[at] ?? 0) / cluster.list.length;
          return sum + Math.floor((node.images.get(image) ?? 0) * spread);
        }, 0);
        const within = Math.min(most, Math.max(smallBytes, bytes));
        return Math.floor((100 * (within - smallBytes)) / (most - smallBytes));
      },
    };
  },
};

/** A name without a tag means "latest". */
function normalized(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
