import { serviceAccount } from "../../api/kinds/core/service-account.ts";
import type { Pod, ServiceAccountTokenProjection } from "../../api/schema/types.ts";
import { StatusError } from "../../api/status.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import type { Recollection } from "../../client/recollection.ts";

/** Service account tokens for pods, kept until they have to be renewed. */
export interface ServiceAccountTokens {
  token(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string>;
  /** Milliseconds until a token of the pod has to be renewed; undefined when it has none. */
  renewInMs(podUid: string): number | undefined;
  forget(podUid: string): void;
}

interface Held {
  readonly token: string;
  readonly renewAtMs: number;
}

/** A token is renewed when a fifth of its life is left, and once a day at least. */
const renewAfterShare = 0.8;
const retryMs = 30_000;
const oldestMs = 24 * 60 * 60 * 1000;

export interface TokensOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** A node that boots while no server answers gives its pods the tokens that they had. */
  readonly recollection: Recollection;
}

export function openTokens({ client, clock, recollection }: TokensOptions): ServiceAccountTokens {
  const held = new Map<string, Map<string, Held>>();

  async function request(
    pod: Pod,
    { audience, expirationSeconds = 3600 }: ServiceAccountTokenProjection,
  ): Promise<Held> {
    const { namespace = "", name, uid } = pod.metadata;
    const nowMs = clock.elapsed();
    const answer = (await client.post(
      serviceAccount,
      { namespace, name: pod.spec.serviceAccountName ?? "default" },
      "token",
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        metadata: { name: "" },
        spec: {
          audiences: audience ? [audience] : [],
          expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
        },
      },
    )) as { spec?: { expirationSeconds?: number }; status?: { token?: string } };
    const { token } = answer.status ?? {};
    if (!token) throw new Error("failed to fetch token: the server answered without one");
    // How long it lives, not when it ends: the server's clock may be another one.
    const lifeMs = (answer.spec?.expirationSeconds ?? expirationSeconds) * 1000;
    return { token, renewAtMs: nowMs + Math.min(lifeMs * renewAfterShare, oldestMs) };
  }

  return {
    async token(pod, projection) {
      const uid = pod.metadata.uid ?? "";
      const ofPod = held.get(uid) ?? new Map<string, Held>();
      held.set(uid, ofPod);
      const key = `${projection.audience ?? ""}/${projection.expirationSeconds ?? ""}`;
      const there = ofPod.get(key);
      if (there && there.renewAtMs > clock.elapsed()) return there.token;
      try {
        const fresh = await request(pod, projection);
        ofPod.set(key, fresh);
        recollection.keepText(nameOf(uid, key), fresh.token);
        return fresh.token;
      } catch (error) {
        // While the server cannot be reached the pod keeps the token that it has.
        const token = there?.token ?? (error instanceof StatusError ? undefined : recollection.text(nameOf(uid, key)));
        if (token === undefined) throw error;
        ofPod.set(key, { token, renewAtMs: clock.elapsed() + retryMs });
        return token;
      }
    },
    renewInMs(podUid) {
      const times = [...(held.get(podUid)?.values() ?? [])].map(({ renewAtMs }) => renewAtMs);
      return times.length > 0 ? Math.max(0, Math.min(...times) - clock.elapsed()) : undefined;
    },
    forget(podUid) {
      for (const key of held.get(podUid)?.keys() ?? []) recollection.keepText(nameOf(podUid, key), undefined);
      held.delete(podUid);
    },
  };
}

const nameOf = (podUid: string, key: string): string => `token/${podUid}/${key}`;
