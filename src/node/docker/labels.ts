/** How skiff's containers are told from others in Docker. Most names are those that Kubernetes' own Docker support used. */
export const label = {
  /** On everything that is skiff's, and on nothing else. */
  managed: "io.skiff.managed",
  type: "io.kubernetes.docker.type",
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  container: "io.kubernetes.container.name",
  sandboxId: "io.kubernetes.sandbox.id",
  attempt: "io.skiff.attempt",
} as const;

/** Annotations are labels with this in front. */
const annotationPrefix = "annotation.";
export const sandboxContainerName = "POD";

export interface Identity {
  readonly podUid: string;
  readonly namespace: string;
  readonly podName: string;
  readonly container: string;
  readonly attempt: number;
}

/** The name in `docker ps`: unique for each attempt, which keeps two of the same from being made. */
export function containerName({ container, podName, namespace, podUid, attempt }: Identity): string {
  return ["k8s", container, podName, namespace, podUid, attempt].join("_");
}

export function identityLabels(identity: Identity): Record<string, string> {
  return {
    [label.managed]: "true",
    [label.type]: identity.container === sandboxContainerName ? "podsandbox" : "container",
    [label.podName]: identity.podName,
    [label.podNamespace]: identity.namespace,
    [label.podUid]: identity.podUid,
    [label.container]: identity.container,
    [label.attempt]: String(identity.attempt),
  };
}

export function identityFrom(labels: Readonly<Record<string, string>>): Identity {
  return {
    podUid: labels[label.podUid] ?? "",
    namespace: labels[label.podNamespace] ?? "",
    podName: labels[label.podName] ?? "",
    container: labels[label.container] ?? "",
    attempt: Number(labels[label.attempt] ?? 0),
  };
}

export function annotationLabels(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [annotationPrefix + key, value]));
}

export function annotationsFrom(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([key]) => key.startsWith(annotationPrefix))
      .map(([key, value]) => [key.slice(annotationPrefix.length), value]),
  );
}
