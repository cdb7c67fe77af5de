import { goJson } from "./schema/go-json.ts";
import { typeNode } from "./schema/table.ts";

/*
 * Values as Kubernetes prints them in some errors: its internal structs in Go's JSON, every field in the order of its
 * declaration and by its Go name, what is not set as null or zero. A struct is a list of fields:
 *   Name     a text, "" when absent          Name#   a number, 0 when absent      Name!   a boolean, false when absent
 *   Name?    a pointer to a scalar, a list of scalars, a map: null when absent, otherwise as it is
 *   Name:T   a struct T     Name*T   a pointer to one     Name[T   a list of them     Name^T   T's fields among the others
 * The JSON name is the Go name with its first letter small, or what follows "=".
 */
const structs: Readonly<Record<string, string>> = {
  PodSpec: `Volumes[Volume InitContainers[Container Containers[Container EphemeralContainers[EphemeralContainer
    RestartPolicy TerminationGracePeriodSeconds? ActiveDeadlineSeconds? DNSPolicy=dnsPolicy NodeSelector?
    ServiceAccountName AutomountServiceAccountToken? NodeName SecurityContext*PodSecurityContext
    ImagePullSecrets[LocalObjectReference Hostname Subdomain SetHostnameAsFQDN? Affinity*Affinity SchedulerName
    Tolerations[Toleration HostAliases[HostAlias PriorityClassName Priority? PreemptionPolicy?
    DNSConfig=dnsConfig*PodDNSConfig ReadinessGates[PodReadinessGate RuntimeClassName? Overhead? EnableServiceLinks?
    TopologySpreadConstraints[TopologySpreadConstraint OS=os*PodOS SchedulingGates[PodSchedulingGate
    ResourceClaims[PodResourceClaim Resources*ResourceRequirements HostnameOverride? SchedulingGroup?`,
  Volume: "Name ^VolumeSource",
  VolumeSource: `HostPath*HostPathVolumeSource EmptyDir*EmptyDirVolumeSource GCEPersistentDisk=gcePersistentDisk?
    AWSElasticBlockStore=awsElasticBlockStore? GitRepo? Secret*SecretVolumeSource NFS=nfs*NFSVolumeSource ISCSI=iscsi?
    Glusterfs? PersistentVolumeClaim*PersistentVolumeClaimVolumeSource RBD=rbd? Quobyte? FlexVolume? Cinder?
    CephFS=cephfs? Flocker? DownwardAPI*DownwardAPIVolumeSource FC=fc? AzureFile? ConfigMap*ConfigMapVolumeSource
    VsphereVolume? AzureDisk? PhotonPersistentDisk? Projected*ProjectedVolumeSource PortworxVolume? ScaleIO?
    StorageOS=storageos? CSI=csi*CSIVolumeSource Ephemeral? Image*ImageVolumeSource`,
  HostPathVolumeSource: "Path Type?",
  EmptyDirVolumeSource: "Medium SizeLimit?",
  SecretVolumeSource: "SecretName Items[KeyToPath DefaultMode? Optional?",
  ConfigMapVolumeSource: "Name Items[KeyToPath DefaultMode? Optional?",
  NFSVolumeSource: "Server Path ReadOnly!",
  PersistentVolumeClaimVolumeSource: "ClaimName ReadOnly!",
  DownwardAPIVolumeSource: "Items[DownwardAPIVolumeFile DefaultMode?",
  DownwardAPIVolumeFile: "Path FieldRef*ObjectFieldSelector ResourceFieldRef*ResourceFieldSelector Mode?",
  ObjectFieldSelector: "APIVersion=apiVersion FieldPath",
  ResourceFieldSelector: "ContainerName Resource Divisor",
  KeyToPath: "Key Path Mode?",
  CSIVolumeSource: "Driver ReadOnly? FSType=fsType? VolumeAttributes? NodePublishSecretRef*LocalObjectReference",
  ImageVolumeSource: "Reference PullPolicy",
  ProjectedVolumeSource: "Sources[VolumeProjection DefaultMode?",
  VolumeProjection: `Secret*ConfigMapProjection DownwardAPI*DownwardAPIProjection ConfigMap*ConfigMapProjection
    ServiceAccountToken*ServiceAccountTokenProjection ClusterTrustBundle? PodCertificate?`,
  ConfigMapProjection: "Name Items[KeyToPath Optional?",
  DownwardAPIProjection: "Items[DownwardAPIVolumeFile",
  ServiceAccountTokenProjection: "Audience ExpirationSeconds# Path",
  Container: "^ContainerFields",
  EphemeralContainer: "^ContainerFields TargetContainerName",
  ContainerFields: `Name Image Command? Args? WorkingDir Ports[ContainerPort EnvFrom[EnvFromSource Env[EnvVar
    Resources:ResourceRequirements ResizePolicy[ContainerResizePolicy RestartPolicy? RestartPolicyRules?
    VolumeMounts[VolumeMount VolumeDevices[VolumeDevice LivenessProbe*Probe ReadinessProbe*Probe StartupProbe*Probe
    Lifecycle*Lifecycle TerminationMessagePath TerminationMessagePolicy ImagePullPolicy
    SecurityContext*SecurityContext Stdin! StdinOnce! TTY=tty!`,
  ContainerPort: "Name HostPort# ContainerPort# Protocol HostIP=hostIP",
  EnvFromSource: "Prefix ConfigMapRef*OptionalReference SecretRef*OptionalReference",
  OptionalReference: "Name Optional?",
  EnvVar: "Name Value ValueFrom*EnvVarSource",
  EnvVarSource: `FieldRef*ObjectFieldSelector ResourceFieldRef*ResourceFieldSelector ConfigMapKeyRef*KeySelector
    SecretKeyRef*KeySelector FileKeyRef?`,
  KeySelector: "Name Key Optional?",
  ResourceRequirements: "Limits? Requests? Claims[ResourceClaim",
  ResourceClaim: "Name Request",
  ContainerResizePolicy: "ResourceName RestartPolicy",
  VolumeMount: "Name ReadOnly! RecursiveReadOnly? MountPath SubPath MountPropagation? SubPathExpr",
  VolumeDevice: "Name DevicePath",
  Probe: `^Handler InitialDelaySeconds# TimeoutSeconds# PeriodSeconds# SuccessThreshold# FailureThreshold#
    TerminationGracePeriodSeconds?`,
  Handler: "Exec*ExecAction HTTPGet=httpGet*HTTPGetAction TCPSocket=tcpSocket*TCPSocketAction GRPC=grpc*GRPCAction",
  LifecycleHandler:
    "Exec*ExecAction HTTPGet=httpGet*HTTPGetAction TCPSocket=tcpSocket*TCPSocketAction Sleep*SleepAction",
  ExecAction: "Command?",
  HTTPGetAction: "Path Port? Host Scheme HTTPHeaders=httpHeaders[HTTPHeader",
  HTTPHeader: "Name Value",
  TCPSocketAction: "Port? Host",
  GRPCAction: "Port# Service?",
  SleepAction: "Seconds#",
  Lifecycle: "PostStart*LifecycleHandler PreStop*LifecycleHandler StopSignal?",
  SecurityContext: `Capabilities*Capabilities Privileged? SELinuxOptions=seLinuxOptions*SELinuxOptions WindowsOptions?
    RunAsUser? RunAsGroup? RunAsNonRoot? ReadOnlyRootFilesystem? AllowPrivilegeEscalation? ProcMount?
    SeccompProfile*SeccompProfile AppArmorProfile*AppArmorProfile`,
  Capabilities: "Add? Drop?",
  SELinuxOptions: "User Role Type Level",
  SeccompProfile: "Type LocalhostProfile?",
  AppArmorProfile: "Type LocalhostProfile?",
  PodSecurityContext: `HostNetwork! HostPID=hostPID! HostIPC=hostIPC! ShareProcessNamespace? HostUsers?
    SELinuxOptions=seLinuxOptions*SELinuxOptions WindowsOptions? RunAsUser? RunAsGroup? RunAsNonRoot?
    SupplementalGroups? SupplementalGroupsPolicy? FSGroup=fsGroup? FSGroupChangePolicy=fsGroupChangePolicy?
    Sysctls[Sysctl SeccompProfile*SeccompProfile AppArmorProfile*AppArmorProfile
    SELinuxChangePolicy=seLinuxChangePolicy?`,
  Sysctl: "Name Value",
  LocalObjectReference: "Name",
  Affinity: "NodeAffinity*NodeAffinity PodAffinity*PodAffinity PodAntiAffinity*PodAffinity",
  NodeAffinity: `RequiredDuringSchedulingIgnoredDuringExecution*NodeSelector
    PreferredDuringSchedulingIgnoredDuringExecution[PreferredSchedulingTerm`,
  NodeSelector: "NodeSelectorTerms[NodeSelectorTerm",
  NodeSelectorTerm: "MatchExpressions[NodeSelectorRequirement MatchFields[NodeSelectorRequirement",
  NodeSelectorRequirement: "Key Operator Values?",
  PreferredSchedulingTerm: "Weight# Preference:NodeSelectorTerm",
  PodAffinity: `RequiredDuringSchedulingIgnoredDuringExecution[PodAffinityTerm
    PreferredDuringSchedulingIgnoredDuringExecution[WeightedPodAffinityTerm`,
  PodAffinityTerm: "LabelSelector? Namespaces? TopologyKey NamespaceSelector? MatchLabelKeys? MismatchLabelKeys?",
  WeightedPodAffinityTerm: "Weight# PodAffinityTerm:PodAffinityTerm",
  Toleration: "Key Operator Value Effect TolerationSeconds?",
  HostAlias: "IP=ip Hostnames?",
  PodDNSConfig: "Nameservers? Searches? Options[PodDNSConfigOption",
  PodDNSConfigOption: "Name Value?",
  PodReadinessGate: "ConditionType",
  TopologySpreadConstraint: `MaxSkew# TopologyKey WhenUnsatisfiable LabelSelector? MinDomains? NodeAffinityPolicy?
    NodeTaintsPolicy? MatchLabelKeys?`,
  PodOS: "Name",
  PodSchedulingGate: "Name",
  PodResourceClaim: "Name ResourceClaimName? ResourceClaimTemplateName?",
  PersistentVolumeClaimSpec: `AccessModes? Selector? Resources:VolumeResourceRequirements VolumeName StorageClassName?
    VolumeMode? DataSource*TypedLocalObjectReference DataSourceRef*TypedObjectReference VolumeAttributesClassName?`,
  VolumeResourceRequirements: "Limits? Requests?",
  TypedLocalObjectReference: "APIGroup=apiGroup? Kind Name",
  TypedObjectReference: "APIGroup=apiGroup? Kind Name Namespace?",
  PersistentVolumeSource: `GCEPersistentDisk=gcePersistentDisk? AWSElasticBlockStore=awsElasticBlockStore?
    HostPath*HostPathVolumeSource Glusterfs? NFS=nfs*NFSVolumeSource RBD=rbd? Quobyte? ISCSI=iscsi? FlexVolume? Cinder?
    CephFS=cephfs? FC=fc? Flocker? AzureFile? VsphereVolume? AzureDisk? PhotonPersistentDisk? PortworxVolume? ScaleIO?
    Local*LocalVolumeSource StorageOS=storageos? CSI=csi*CSIPersistentVolumeSource`,
  LocalVolumeSource: "Path FSType=fsType?",
  CSIPersistentVolumeSource: `Driver VolumeHandle ReadOnly! FSType=fsType VolumeAttributes?
    ControllerPublishSecretRef*SecretReference NodeStageSecretRef*SecretReference NodePublishSecretRef*SecretReference
    ControllerExpandSecretRef*SecretReference NodeExpandSecretRef*SecretReference`,
  SecretReference: "Name Namespace",
  VolumeNodeAffinity: "Required*NodeSelector",
  ScopeSelector: "MatchExpressions[ScopedResourceSelectorRequirement",
  ScopedResourceSelectorRequirement: "ScopeName Operator Values?",
  PodFailurePolicy: "Rules[PodFailurePolicyRule",
  PodFailurePolicyRule: "Action OnExitCodes*OnExitCodesRequirement OnPodConditions[OnPodConditionsPattern",
  OnExitCodesRequirement: "ContainerName? Operator Values?",
  OnPodConditionsPattern: "Type Status",
  UncountedTerminatedPods: "Succeeded? Failed?",
  SuccessPolicy: "Rules[SuccessPolicyRule",
  SuccessPolicyRule: "SucceededIndexes? SucceededCount?",
  ParentReference: "Group Resource Namespace Name",
  VolumeAttachmentSpec: "Attacher Source:VolumeAttachmentSource NodeName",
  VolumeAttachmentSource: "PersistentVolumeName? InlineVolumeSpec?",
  FlowSchemaSpec: `PriorityLevelConfiguration:LocalObjectReference MatchingPrecedence#
    DistinguisherMethod*FlowDistinguisherMethod Rules[PolicyRulesWithSubjects`,
  FlowDistinguisherMethod: "Type",
  PolicyRulesWithSubjects:
    "Subjects[FlowSubject ResourceRules[ResourcePolicyRule NonResourceRules[NonResourcePolicyRule",
  FlowSubject: "Kind User*LocalObjectReference Group*LocalObjectReference ServiceAccount*NamespacedName",
  NamespacedName: "Namespace Name",
  ResourcePolicyRule: "Verbs? APIGroups=apiGroups? Resources? ClusterScope! Namespaces?",
  NonResourcePolicyRule: "Verbs? NonResourceURLs=nonResourceURLs?",
  PriorityLevelConfigurationSpec:
    "Type Limited*LimitedPriorityLevelConfiguration Exempt*ExemptPriorityLevelConfiguration",
  LimitedPriorityLevelConfiguration:
    "NominalConcurrencyShares# LimitResponse:LimitResponse LendablePercent? BorrowingLimitPercent?",
  ExemptPriorityLevelConfiguration: "NominalConcurrencyShares? LendablePercent?",
  LimitResponse: "Type Queuing*QueuingConfiguration",
  QueuingConfiguration: "Queues# HandSize# QueueLengthLimit#",
  CustomResourceDefinitionVersion: `Name Served! Storage! Deprecated! DeprecationWarning? Schema? Subresources?
    AdditionalPrinterColumns? SelectableFields?`,
  CustomResourceSubresources: "Status? Scale*CustomResourceSubresourceScale",
  CustomResourceSubresourceScale: "SpecReplicasPath StatusReplicasPath LabelSelectorPath?",
  CustomResourceColumnDefinition: "Name Type Format Description Priority# JSONPath=jsonPath",
  SelectableField: "JSONPath=jsonPath",
  JSONSchemaProps: `ID=id Schema Ref? Description Type Nullable! Format Title Default? Maximum? ExclusiveMaximum! Minimum?
    ExclusiveMinimum! MaxLength? MinLength? Pattern MaxItems? MinItems? UniqueItems! MultipleOf? Enum? MaxProperties?
    MinProperties? Required? Items? AllOf? OneOf? AnyOf? Not? Properties? AdditionalProperties? PatternProperties?
    Dependencies? AdditionalItems? Definitions? ExternalDocs*ExternalDocumentation Example?`,
  ExternalDocumentation: "Description URL=url",
  ValidationRule: "Rule Message MessageExpression Reason? FieldPath OptionalOldSelf?",
};

type Fields = Record<string, unknown>;
type Sign = "" | "#" | "!" | "?" | ":" | "*" | "[" | "^";
interface GoField {
  readonly goName: string;
  readonly jsonName: string;
  readonly sign: Sign;
  readonly type: string;
}

/** The value as Go's JSON has the struct. */
export function goView(type: string, value: object): Fields {
  const fields = value as Fields;
  return Object.fromEntries(fieldsOf(type).map((field) => [field.goName, viewOf(field, fields[field.jsonName])]));
}

/** Some fields of a pod's spec stand in the security context inside Kubernetes. */
export function podSpecView(spec: Fields): Fields {
  const moved = ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];
  const inner = Object.fromEntries(moved.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])));
  return goView("PodSpec", { ...spec, securityContext: { ...(spec.securityContext as object), ...inner } });
}

/** A pod template, whose metadata stands among its own fields. */
export function templateView({ metadata = {}, spec = {} }: { metadata?: object; spec?: object }): Fields {
  const shown = JSON.parse(goJson(metadata, typeNode("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"))) as Fields;
  return { ...shown, Spec: podSpecView(spec as Fields) };
}

function viewOf({ sign, type }: GoField, value: unknown): unknown {
  switch (sign) {
    case "":
      return value ?? "";
    case "#":
      return value ?? 0;
    case "!":
      return value ?? false;
    case "?":
      return sortedMap(value) ?? null;
    case ":":
      return goView(type, (value as object) ?? {});
    case "*":
      return value ? goView(type, value) : null;
    default:
      return value ? (value as object[]).map((item) => goView(type, item)) : null;
  }
}

/** Go writes maps by their keys. */
function sortedMap(value: unknown): unknown {
  if (!value || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const parsed = new Map<string, readonly GoField[]>();

function fieldsOf(type: string): readonly GoField[] {
  let fields = parsed.get(type);
  if (!fields) {
    fields = (structs[type] ?? "").split(/\s+/).flatMap((text) => {
      if (text.startsWith("^")) return fieldsOf(text.slice(1));
      const [, goName = "", jsonName, sign = "", of = ""] = /^(\w+)(?:=(\w+))?([#!?:*[]?)(\w*)$/.exec(text) ?? [];
      return [{ goName, jsonName: jsonName ?? small(goName), sign: sign as Sign, type: of }];
    });
    parsed.set(type, fields);
  }
  return fields;
}

function small(name: string): string {
  return `${name[0]?.toLowerCase()}${name.slice(1)}`;
}

const contextLines = 3;

/** What differs between two values of a struct, as Kubernetes shows it: their lines, as `diff -u` prints them. */
export function goDiff(type: string, before: object, after: object): string {
  const view =
    type === "PodSpec" ? (value: object) => podSpecView(value as Fields) : (value: object) => goView(type, value);
  const [old, next] = [before, after].map((value) => JSON.stringify(view(value), null, 1).split("\n")) as [
    string[],
    string[],
  ];
  return hunksOf(editsFrom(old, next)).map(hunkText).join("");
}

interface Edit {
  readonly mark: " " | "-" | "+";
  readonly text: string;
  /** Line numbers, from 0, before this edit. */
  readonly old: number;
  readonly next: number;
}

/** The shortest way from one list of lines to the other (longest common subsequence between the ends that are the same). */
function editsFrom(old: readonly string[], next: readonly string[]): Edit[] {
  let head = 0;
  while (head < old.length && head < next.length && old[head] === next[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, next.length) - head && old.at(-1 - tail) === next.at(-1 - tail)) tail++;
  const [a, b] = [old.slice(head, old.length - tail), next.slice(head, next.length - tail)];
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      (lengths[i] as Uint32Array)[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const edits: Edit[] = old.slice(0, head).map((text, i) => ({ mark: " ", text, old: i, next: i }));
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const place = { old: head + i, next: head + j };
    if (i < a.length && j < b.length && a[i] === b[j]) {
      edits.push({ mark: " ", text: a[i] ?? "", ...place });
      i++;
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      edits.push({ mark: "-", text: a[i] ?? "", ...place });
      i++;
    } else {
      edits.push({ mark: "+", text: b[j] ?? "", ...place });
      j++;
    }
  }
  const [oldEnd, nextEnd] = [old.length - tail, next.length - tail];
  for (let k = 0; k < tail; k++)
    edits.push({ mark: " ", text: old[oldEnd + k] ?? "", old: oldEnd + k, next: nextEnd + k });
  return edits;
}

/** Changes with the lines around them; changes that are near share a hunk. */
function hunksOf(edits: readonly Edit[]): Edit[][] {
  const hunks: { from: number; to: number }[] = [];
  for (const [i, { mark }] of edits.entries()) {
    if (mark === " ") continue;
    const [from, to] = [Math.max(0, i - contextLines), Math.min(edits.length, i + contextLines + 1)];
    const last = hunks.at(-1);
    if (last && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  }
  return hunks.map(({ from, to }) => edits.slice(from, to));
}

function hunkText(hunk: readonly Edit[]): string {
  const count = (other: Edit["mark"]) => hunk.filter(({ mark }) => mark !== other).length;
  const [first] = hunk;
  const range = (start: number, lines: number) =>
    lines === 1 ? `${start + 1}` : `${lines === 0 ? start : start + 1},${lines}`;
  const head = `@@ -${range(first?.old ?? 0, count("+"))} +${range(first?.next ?? 0, count("-"))} @@\n`;
  return head + hunk.map(({ mark, text }) => `${mark}${text}\n`).join("");
}
