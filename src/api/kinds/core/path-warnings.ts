import type { Volume, VolumeProjection } from "../../schema/types.ts";

/*
 * Files of one volume that get in each other's way: two at the same path, or one where another one needs a directory
 * (Kubernetes docs, "Projected Volumes"). What comes later wins, or the pod does not start.
 */

interface PlacedFile {
  readonly path: string;
  /** What it is a part of, where a volume has several. */
  readonly source: string;
}

export function pathWarnings(volumes: readonly Volume[]): string[] {
  return volumes.flatMap(({ name, configMap, secret, downwardAPI, projected }) => {
    const told = (kind: string) => (text: string) =>
      `volume ${JSON.stringify(name)} (${kind}): overlapping paths: ${text}`;
    return [
      ...overlaps(placed(configMap?.items)).map(told(`ConfigMap ${JSON.stringify(configMap?.name ?? "")}`)),
      ...overlaps(placed(secret?.items)).map(told(`Secret ${JSON.stringify(secret?.secretName ?? "")}`)),
      ...overlaps(placed(downwardAPI?.items)).map(told("DownwardAPI")),
      ...(projected?.sources ?? [])
        .filter((source) => Object.keys(source).length === 0)
        .map(() => `volume ${JSON.stringify(name)} (Projected) has no sources provided`),
      ...overlaps((projected?.sources ?? []).flatMap(filesOf)).map(told("Projected")),
    ];
  });
}

function placed(items: readonly { path?: string }[] | undefined, source = ""): PlacedFile[] {
  return (items ?? []).map(({ path = "" }) => ({ path, source }));
}

/** The files of a source, as far as it names them. */
function filesOf(projection: VolumeProjection): PlacedFile[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = projection;
  if (configMap?.items) return placed(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? "")}`);
  if (secret?.items) return placed(secret.items, `Secret ${JSON.stringify(secret.name ?? "")}`);
  if (downwardAPI?.items) return placed(downwardAPI.items, "DownwardAPI");
  if (serviceAccountToken) return placed([serviceAccountToken], "ServiceAccountToken");
  if (!clusterTrustBundle) return [];
  const { name, signerName = "" } = clusterTrustBundle;
  return placed([clusterTrustBundle], `ClusterTrustBundle ${JSON.stringify(name ?? signerName)}`);
}

/** Each file with each one before it that it clashes with. */
function overlaps(files: readonly PlacedFile[]): string[] {
  const all = files.map(({ path, source }) => ({ path: path.replace(/\/+$/, ""), source }));
  return all.flatMap((file, i) =>
    all
      .slice(0, i)
      .filter((other) => clash(file.path, other.path))
      .map((other) => `${shown(file)} with ${shown(other)}`),
  );
}

function clash(path: string, other: string): boolean {
  if (path === "" || other === "") return false;
  return `${other}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${other}/`);
}

function shown({ path, source }: PlacedFile): string {
  return source ? `${JSON.stringify(path)} (${source})` : JSON.stringify(path);
}
