import type { Kind } from "../api/kind.ts";
import type { Pod } from "../api/schema/types.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { Metrics } from "../base/metrics.ts";
import { isOutsideLife } from "../base/pinned-tls.ts";
import { processMetrics } from "../base/process-metrics.ts";
import type { Store } from "../store/contract.ts";
import { allActions } from "./actions/all.ts";
import type { Component } from "./actions/component-status.ts";
import { openProxied } from "./actions/proxy.ts";
import { admitPodConnect } from "./admit/actions.ts";
import { Admission } from "./admit/admission.ts";
import { admissionSteps } from "./admit/all.ts";
import { Extensions } from "./aggregate/extensions.ts";
import type { ClientCertificate } from "./aggregate/send.ts";
import type { AuditLog } from "./audit/trail.ts";
import { Authenticator, type StaticToken, staticTokens } from "./authenticate/authenticator.ts";
import {
  type SecretTokenRequest,
  type ServiceAccountKeys,
  ServiceAccountTokens,
} from "./authenticate/service-account-tokens.ts";
import type { Authorizer } from "./authorize/attributes.ts";
import { NodeAuthorizer } from "./authorize/node.ts";
import { RbacAuthorizer } from "./authorize/rbac.ts";
import { UnionAuthorizer } from "./authorize/union.ts";
import { Discovery } from "./discovery/discovery.ts";
import { Fairness } from "./fairness/fairness.ts";
import { requestHandler } from "./handle-request.ts";
import type { HealthCheck } from "./health/checks.ts";
import { serverHealth } from "./health/server-health.ts";
import { explainTexts } from "./http/explain.ts";
import { openApiPages } from "./http/openapi-pages.ts";
import { type ExtraRoute, servePages } from "./http/pages.ts";
import { RequestMetrics } from "./http/request-metrics.ts";
import { ResourceApi } from "./http/resource-api.ts";
import { routeOf } from "./http/route.ts";
import { HttpServer, type TlsMaterial } from "./http/server.ts";
import { serverMetrics } from "./http/server-metrics.ts";
import { type ExtraUpgrade, takesUpgrade, upgrades } from "./http/upgrades.ts";
import { type InProcessTransport, inProcessTransport } from "./in-process.ts";
import type { NodeDialer } from "./node-dialer.ts";
import type { OpenRoute } from "./open-route.ts";
import { Definitions } from "./registry/custom/definitions.ts";
import type { Registry } from "./registry/deps.ts";
import { Catalog } from "./registry/resources.ts";
import { specialsFor } from "./registry/special/all.ts";
import { serveMetrics } from "./resource-metrics/serve-metrics.ts";
import { advertise, bootstrap } from "./system/bootstrap.ts";
import { FlowObjects } from "./system/flow-objects.ts";
import { labelSecrets } from "./system/label-secrets.ts";
import { OwnConditions } from "./system/own-conditions.ts";
import { systemCall } from "./system/system-call.ts";
import { systemUser, type UserInfo } from "./user.ts";
import { WebhookClient } from "./webhooks/client.ts";

export interface ApiServerOptions {
  readonly store: Store;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly log: Log;
  /** Port 0: any that is free. */
  readonly listen: { readonly address: string; readonly port: number };
  readonly tls: TlsMaterial;
  readonly serviceAccounts: ServiceAccountKeys;
  readonly staticTokens?: readonly StaticToken[];
  /** Whether requests without credentials are let in, as system:anonymous. */
  readonly anonymous: boolean;
  readonly serviceCidrs: readonly string[];
  readonly nodePorts: { readonly from: number; readonly to: number };
  /** Where others reach this server. */
  readonly advertiseAddress: string;
  readonly advertisePort: number;
  readonly nodes: NodeDialer;
  /** What /metrics shows besides the server's own figures. */
  readonly metrics?: Metrics;
  /** How many requests are worked on at once; what lasts does not count. */
  readonly requestsAtOnce?: { readonly reads: number | undefined; readonly changes: number | undefined };
  /** Where requests that come over the network are recorded. */
  readonly audit?: AuditLog;
  /** By what servers of other APIs know that a request comes from here. */
  readonly frontProxy?: () => ClientCertificate;
  readonly extraRoutes?: readonly ExtraRoute[];
  readonly openRoutes?: readonly OpenRoute[];
  readonly upgrades?: readonly ExtraUpgrade[];
  /** What /version says: gitVersion, platform and so on. */
  readonly version: Readonly<Record<string, string>>;
}

export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The API for a part of this process, with that user's rights. */
  transportFor(user: UserInfo): InProcessTransport;
  /** A service account's token that is good for as long as the Secret holds it. */
  readonly makeAccountToken: (request: SecretTokenRequest) => Promise<string>;
  replaceTls(tls: TlsMaterial): void;
  /** Pods reach this server at another address from now on. */
  advertise(address: string): Promise<void>;
  /** Says that a part of the control plane runs in this process: ComponentStatuses tell. */
  componentRuns(component: Component): void;
  /** Adds to what /readyz asks. */
  addReadyCheck(check: HealthCheck): void;
}

/** Starts the API server. Resolves when it answers. */
export async function serveApi(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, log, listen } = options;
  const stopping = new AbortController();
  const catalog = new Catalog(options.kinds);
  const rbac = new RbacAuthorizer(store);
  const systemNode = { kind: "ClusterRole", name: "system:node" };
  const nodeAuthorizer = new NodeAuthorizer(store, () => rbac.rulesOfRole(systemNode, undefined) ?? []);
  const authorizer: Authorizer = new UnionAuthorizer([nodeAuthorizer, rbac]);
  const accounts = await ServiceAccountTokens.open({ ...options.serviceAccounts, store, clock });
  const authenticator = new Authenticator({
    tokens: [staticTokens(options.staticTokens ?? []), accounts],
    anonymous: options.anonymous,
    clockIsWrong: () => isOutsideLife(options.tls.clientCa, clock.now()),
  });
  const isNew = store.revision === 0;
  const webhooks = new WebhookClient(store, options.nodes);
  const registry: Registry = {
    store,
    oldestRevision: 0,
    clock,
    log,
    catalog,
    admission: new Admission(admissionSteps({ store, authorizer, clock, webhooks, registry: () => registry })),
    webhooks,
    specials: specialsFor({
      registry: () => registry,
      store,
      authorizer,
      rbac,
      serviceCidrs: options.serviceCidrs,
      nodePorts: options.nodePorts,
    }),
  };
  accounts.onSecretUsed = labelSecrets(registry);
  const components = new Set<Component>();
  const { nodes, frontProxy, audit } = options;
  const actions = allActions({ registry, authorizer, rbac, authenticator, accounts, nodes, components });
  await bootstrap(registry, options);
  const flowObjects = await FlowObjects.open(registry);
  if (isNew) registry.oldestRevision = store.revision;

  const definitions = new Definitions(registry);
  const extensions = new Extensions({ store, nodes, clock, certificate: frontProxy });
  const conditions = new OwnConditions(registry, (name) => extensions.seen(name));
  extensions.onSeen = () => conditions.lookAgain("apiservices.apiregistration.k8s.io");
  const resourceMetrics = serveMetrics({ registry, extensions, nodes, clock, log });
  await Promise.all([definitions.ready, conditions.ready]);

  const health = serverHealth(store, stopping.signal);
  const discovery = new Discovery(catalog, extensions);
  const requests = new RequestMetrics(clock, catalog);
  const { reads, changes } = requestsAtOnceOf(options);
  const fairness = new Fairness({ store, clock, seats: reads + changes });
  const { metrics = new Metrics() } = options;
  for (const source of [serverMetrics(store, catalog, options.version), processMetrics]) metrics.add(source);
  metrics.add(() => [...requests.metrics(), ...fairness.metrics()]);
  const advertised = `${options.advertiseAddress}:${options.advertisePort}`;
  const pages = servePages({
    discovery,
    health,
    version: options.version,
    advertised,
    flags: flagsOf(options),
    clock,
    metrics: () => metrics.text(),
    issuer: { configuration: accounts.configuration(`https://${advertised}`), keys: accounts.keySet() },
    openApi: openApiPages({ catalog, descriptions: explainTexts, startedMs: clock.now() }),
    extraRoutes: options.extraRoutes ?? [],
  });
  const resources = new ResourceApi({ registry, authorizer, clock, actions, stopping: stopping.signal });
  const own = inProcessTransport({ registry, authorizer, actions, extensions, user: systemUser });
  const http = await HttpServer.open({
    listen,
    tls: options.tls,
    log,
    onRequest: requestHandler({
      clock,
      log,
      openRoutes: options.openRoutes ?? [],
      authenticator,
      requests,
      audit,
      fairness,
      authorizer,
      catalog,
      extensions,
      resources,
      pages,
    }),
    takesUpgrade: takesUpgrade(options.upgrades ?? []),
    onUpgrade: upgrades({
      authenticator,
      authorizer,
      nodes: options.nodes,
      clock,
      ...(audit && { audit }),
      extra: options.upgrades ?? [],
      openProxied: ({ user, info, incoming }, signal) => {
        const { resource } = routeOf(catalog, info, incoming.method ?? "GET");
        const call = { ...systemCall(resource, info), subresource: info.subresource, user };
        return openProxied({ registry, nodes }, { call, rest: info.rest, incoming }, signal);
      },
      watch: (asked, open) => resources.watchOver(asked, open),
      admit: (user, info, query) => admitPodConnect(registry, user, info, query),
      getPod: async (namespace, name) => (await own.request({ verb: "get", ...pods, namespace, name })) as Pod,
    }),
  });

  return {
    port: http.port,
    url: `https://${listen.address.includes(":") ? `[${listen.address}]` : listen.address}:${http.port}`,
    transportFor: (user) => inProcessTransport({ registry, authorizer, actions, extensions, user }),
    makeAccountToken: (request) => accounts.issueForSecret(request),
    replaceTls: (tls) => http.replaceTls(tls),
    advertise: (address) => advertise(registry, { ...options, advertiseAddress: address }),
    componentRuns: (component) => void components.add(component),
    addReadyCheck: (check) => health.readyz.add(check),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await http[Symbol.asyncDispose]();
      definitions[Symbol.dispose]();
      conditions[Symbol.dispose]();
      registry.admission[Symbol.dispose]();
      webhooks[Symbol.dispose]();
      resourceMetrics[Symbol.dispose]();
      extensions[Symbol.dispose]();
      fairness[Symbol.dispose]();
      flowObjects[Symbol.dispose]();
      nodeAuthorizer[Symbol.dispose]();
      rbac[Symbol.dispose]();
    },
  };
}

/** The settings of kube-apiserver that these are. */
function flagsOf(options: ApiServerOptions): Record<string, string> {
  const { listen, nodePorts, serviceAccounts } = options;
  const { reads, changes } = requestsAtOnceOf(options);
  return {
    "advertise-address": options.advertiseAddress,
    "allow-privileged": "true",
    "anonymous-auth": String(options.anonymous),
    "api-audiences": `[${serviceAccounts.audiences.join(",")}]`,
    "authorization-mode": "[Node,RBAC]",
    "bind-address": listen.address,
    "enable-admission-plugins": "[NodeRestriction]",
    "max-mutating-requests-inflight": String(changes),
    "max-requests-inflight": String(reads),
    "secure-port": String(listen.port),
    "service-account-issuer": `[${serviceAccounts.issuer}]`,
    "service-cluster-ip-range": options.serviceCidrs.join(","),
    "service-node-port-range": `${nodePorts.from}-${nodePorts.to}`,
  };
}

/** kube-apiserver's max-requests-inflight and max-mutating-requests-inflight: of their sum the levels get their shares. */
function requestsAtOnceOf({ requestsAtOnce }: ApiServerOptions): { readonly reads: number; readonly changes: number } {
  return { reads: requestsAtOnce?.reads ?? 400, changes: requestsAtOnce?.changes ?? 200 };
}

const pods = { group: "", version: "v1", resource: "pods" } as const;
