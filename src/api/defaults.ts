import { podRequests } from "./pod-resources.ts";
import { formatQuantity, quantityFrom } from "./quantity.ts";
import { completeStructs } from "./schema/complete.ts";
import { isType, typeNode } from "./schema/table.ts";
import type {
  AzureDiskVolumeSource,
  Container,
  HostPathVolumeSource,
  HTTPGetAction,
  ImageVolumeSource,
  NodeSpec,
  ObjectFieldSelector,
  PersistentVolumeClaimSpec,
  Pod,
  PodSpec,
  PodStatus,
  Probe,
  ResourceRequirements,
  ServiceAccountTokenProjection,
  ServicePort,
  TokenRequestSpec,
  Volume,
} from "./schema/types.ts";
import { openTypeRules, type TypeRules } from "./type-rules.ts";

/*
 * What Kubernetes fills in wherever a type occurs (API reference, the types' pages): in a Pod as in the template of a
 * Deployment. Defaults of a kind as a whole are with the kind. Fields that are no pointers in Kubernetes' types cannot
 * tell zero from absent, hence `||=`.
 */
const typeRules: TypeRules = {
  "io.k8s.api.authentication.v1.TokenRequestSpec": (spec: TokenRequestSpec) => {
    spec.expirationSeconds ??= 3600;
  },
  "io.k8s.api.core.v1.Pod": (pod: Pod) => {
    pod.spec ??= { containers: [] };
    pod.spec.enableServiceLinks ??= true;
    if (pod.spec.hostNetwork) exposeOnHost(pod.spec);
    for (const container of [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])])
      requestWhatIsLimited(container);
    requestForThePod(pod.spec);
  },
  "io.k8s.api.core.v1.PodStatus": (status: PodStatus) => {
    // The single address is older: whoever knows only that means it.
    const [first] = status.podIPs ?? [];
    if (status.podIP && first?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }];
    else if (first?.ip) status.podIP = first.ip;
  },
  "io.k8s.api.core.v1.NodeSpec": (spec: NodeSpec) => {
    const [first] = spec.podCIDRs ?? [];
    if (spec.podCIDR && first !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
    else if (first) spec.podCIDR = first;
  },
  "io.k8s.api.core.v1.ResourceRequirements": roundToMilli,
  "io.k8s.api.core.v1.VolumeResourceRequirements": roundToMilli,
  "io.k8s.api.core.v1.PodSpec": (spec: PodSpec) => {
    spec.containers ??= [];
    spec.restartPolicy ||= "Always";
    spec.dnsPolicy ||= "ClusterFirst";
    spec.schedulerName ||= "default-scheduler";
    spec.terminationGracePeriodSeconds ??= 30;
    spec.securityContext ??= {};
    // The old name of the field follows the new one.
    spec.serviceAccountName ||= spec.serviceAccount ?? "";
    if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
    else {
      delete spec.serviceAccountName;
      delete spec.serviceAccount;
    }
  },
  "io.k8s.api.core.v1.Container": defaultContainer,
  "io.k8s.api.core.v1.EphemeralContainer": defaultContainer,
  "io.k8s.api.core.v1.Probe": (probe: Probe) => {
    probe.timeoutSeconds ||= 1;
    probe.periodSeconds ||= 10;
    probe.successThreshold ||= 1;
    probe.failureThreshold ||= 3;
  },
  "io.k8s.api.core.v1.HTTPGetAction": (get: HTTPGetAction) => {
    get.path ||= "/";
    get.scheme ||= "HTTP";
  },
  "io.k8s.api.core.v1.Volume": (volume: Volume) => {
    // A volume without a source is an empty directory.
    if (Object.entries(volume).every(([field, value]) => field === "name" || value === undefined || value === null))
      volume.emptyDir = {};
  },
  "io.k8s.api.core.v1.SecretVolumeSource": readableFiles,
  "io.k8s.api.core.v1.ConfigMapVolumeSource": readableFiles,
  "io.k8s.api.core.v1.DownwardAPIVolumeSource": readableFiles,
  "io.k8s.api.core.v1.ProjectedVolumeSource": readableFiles,
  "io.k8s.api.core.v1.HostPathVolumeSource": (source: HostPathVolumeSource) => {
    source.type ??= "";
  },
  "io.k8s.api.core.v1.ImageVolumeSource": (source: ImageVolumeSource) => {
    source.pullPolicy ||= pullPolicyOf(source.reference);
  },
  "io.k8s.api.core.v1.AzureDiskVolumeSource": (source: AzureDiskVolumeSource) => {
    source.cachingMode ??= "ReadWrite";
    source.kind ??= "Shared";
  },
  "io.k8s.api.core.v1.ServiceAccountTokenProjection": (token: ServiceAccountTokenProjection) => {
    token.expirationSeconds ??= 3600;
  },
  "io.k8s.api.core.v1.ObjectFieldSelector": (selector: ObjectFieldSelector) => {
    selector.apiVersion ||= "v1";
  },
  "io.k8s.api.core.v1.PersistentVolumeClaimSpec": (spec: PersistentVolumeClaimSpec) => {
    spec.volumeMode ??= "Filesystem";
  },
  "io.k8s.api.core.v1.ServicePort": (port: ServicePort) => {
    port.protocol ||= "TCP";
    port.targetPort ||= port.port;
  },
};

const fillInTypes = openTypeRules(typeRules, { values: true });

/** Fills in an object of a built-in type what its schema and the types in it say. Changes the object. */
export function applyTypeDefaults(object: object, type: string): void {
  if (!isType(type)) return;
  completeStructs(object as Record<string, unknown>, typeNode(type));
  fillInTypes(object, type);
}

/** Always for what may change under its name: no tag, or "latest"; otherwise IfNotPresent. */
export function pullPolicyOf(image: string | undefined): string {
  const [name = "", digest] = (image ?? "").split("@");
  const tag = name.slice(name.lastIndexOf("/") + 1).split(":")[1];
  return (tag ?? (digest === undefined ? "latest" : "")) === "latest" ? "Always" : "IfNotPresent";
}

function defaultContainer(container: Container): void {
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  container.imagePullPolicy ||= pullPolicyOf(container.image);
}

function readableFiles(source: { defaultMode?: number }): void {
  source.defaultMode ??= 0o644;
}

/** Nothing can be asked for in finer parts than thousandths. */
function roundToMilli(resources: ResourceRequirements): void {
  for (const list of [resources.limits, resources.requests])
    for (const [name, quantity] of Object.entries(list ?? {}))
      if (/[nu]$/.test(quantity) && list) {
        const { format, nanos } = quantityFrom(quantity);
        const rest = nanos % 1_000_000n;
        const rounded = rest === 0n ? nanos : nanos - rest + (nanos > 0n ? 1_000_000n : -1_000_000n);
        list[name] = formatQuantity({ nanos: rounded, format });
      }
}

/** In the host's network a container's port is the host's. */
function exposeOnHost(spec: PodSpec): void {
  for (const { ports } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])])
    for (const port of ports ?? []) port.hostPort ||= port.containerPort;
}

/** Kubernetes docs, "Resource Management for Pods and Containers": a limit without a request is the request. */
function requestWhatIsLimited({ resources }: Container): void {
  if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
}

/** Of a pod with limits of its own: requests for what its containers request, then for what is limited. */
function requestForThePod({ resources, ...ofContainers }: PodSpec): void {
  if (!resources?.limits) return;
  const forPods = (name: string) => name === "cpu" || name === "memory" || name.startsWith("hugepages-");
  const wanted = Object.entries({ ...resources.limits, ...podRequests(ofContainers) });
  resources.requests = { ...Object.fromEntries(wanted.filter(([name]) => forPods(name))), ...resources.requests };
}
