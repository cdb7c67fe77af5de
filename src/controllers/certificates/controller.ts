import type { CertificateSigner } from "../../api/certificate-signer.ts";
import { subjectAccessReview } from "../../api/kinds/authorization/subject-access-review.ts";
import { certificateSigningRequest } from "../../api/kinds/certificates/certificate-signing-request.ts";
import { isLeaving } from "../../api/object.ts";
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "../../api/schema/types.ts";
import type { Client } from "../../client/client.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";
import { approvalsFor, deleteAtMs, faultOf, isToBeSigned, signOptions, untilAskedAgainMs } from "./decide.ts";

const account = "certificate-controller";
const textOf = ({ spec }: CertificateSigningRequest): string => Buffer.from(spec.request, "base64").toString();

/** Approves the requests of kubelets for their client certificates, where they have the right to one. */
export function certificateApprover(signer: CertificateSigner): Controller {
  return defineController<CertificateSigningRequest>({
    name: "certificatesigningrequest-approving",
    account,
    reconciles: certificateSigningRequest,

    async reconcile(key, { cache, client, now }) {
      const request = cache.get(certificateSigningRequest, key);
      if (!request || isLeaving(request)) return settled;
      const approvals = approvalsFor(request, await signer.read(textOf(request)));
      for (const { subresource, message } of approvals) {
        if (!(await isAllowed(request, subresource, client))) continue;
        const condition = { type: "Approved", status: "True", reason: "AutoApproved", message };
        await cache.seen(await withCondition(client, "approval", request, condition));
        return settled;
      }
      return approvals.length > 0 ? { again: { afterMs: untilAskedAgainMs(request, now) } } : settled;
    },
  });
}

async function isAllowed(
  { spec: { username = "", uid, groups, extra } }: CertificateSigningRequest,
  subresource: string,
  client: Client,
): Promise<boolean> {
  const resourceAttributes = {
    group: "certificates.k8s.io",
    version: "*",
    resource: "certificatesigningrequests",
    subresource,
    verb: "create",
  };
  const review = await client.create(subjectAccessReview, {
    metadata: {},
    spec: {
      user: username,
      ...(uid && { uid }),
      ...(groups && { groups }),
      ...(extra && { extra }),
      resourceAttributes,
    },
  });
  return review.status?.allowed ?? false;
}

/** Issues the certificates of the signers that belong to the cluster itself. */
export function certificateSigning(signer: CertificateSigner, mostMs: number): Controller {
  return defineController<CertificateSigningRequest>({
    name: "certificatesigningrequest-signing",
    account,
    reconciles: certificateSigningRequest,

    async reconcile(key, { cache, client, now }) {
      const request = cache.get(certificateSigningRequest, key);
      if (!request || isLeaving(request) || !isToBeSigned(request)) return settled;
      const fault = faultOf(request, await signer.read(textOf(request)));
      if (fault) {
        const condition = { type: "Failed", status: "True", reason: "SignerValidationFailure", message: fault };
        await cache.seen(await withCondition(client, "status", request, condition));
        return settled;
      }
      const pem = await signer.sign(textOf(request), signOptions(request, { nowMs: now, mostMs }));
      const certificate = Buffer.from(pem).toString("base64");
      const status = { ...request.status, certificate };
      await cache.seen(await client.updateStatus(certificateSigningRequest, { ...request, status }));
      return settled;
    },
  });
}

function withCondition(
  client: Client,
  subresource: "approval" | "status",
  request: CertificateSigningRequest,
  condition: CertificateSigningRequestCondition,
): Promise<CertificateSigningRequest> {
  const conditions = [...(request.status?.conditions ?? []), condition];
  return client.update(
    certificateSigningRequest,
    { ...request, status: { ...request.status, conditions } },
    { subresource },
  );
}

/** Deletes requests that nobody has a use for any more. */
export function certificateCleaner(signer: CertificateSigner): Controller {
  return defineController<CertificateSigningRequest>({
    name: "certificatesigningrequest-cleaner",
    account,
    reconciles: certificateSigningRequest,

    async reconcile(key, { cache, client, now }) {
      const request = cache.get(certificateSigningRequest, key);
      if (!request || isLeaving(request)) return settled;
      const certificate = request.status?.certificate;
      const endsAtMs = certificate && signer.expiresAtMs(Buffer.from(certificate, "base64").toString());
      const atMs = deleteAtMs(request, endsAtMs || undefined);
      if (atMs === Number.POSITIVE_INFINITY) return settled;
      if (atMs > now) return { again: { afterMs: atMs - now } };
      await client.delete(certificateSigningRequest, key, { preconditions: { uid: request.metadata.uid } });
      return settled;
    },
  });
}
