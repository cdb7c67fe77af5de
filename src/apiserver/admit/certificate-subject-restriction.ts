import { organizationsIn } from "../../api/signing-request.ts";
import { superuserGroup } from "../user.ts";
import type { AdmissionStep } from "./admission.ts";
import { refused } from "./refused.ts";
import { requestFrom, requestsBucket } from "./signers.ts";

const clientSigner = "kubernetes.io/kube-apiserver-client";

/** Nobody asks for a client certificate of the superusers' group. */
export function certificateSubjectRestriction(): AdmissionStep {
  return {
    name: "CertificateSubjectRestriction",
    validate(review) {
      const { call, operation, object } = review;
      if (call.resource.bucket !== requestsBucket || operation !== "CREATE" || call.subresource) return;
      const spec = requestFrom(object)?.spec;
      if (spec?.signerName !== clientSigner) return;
      const organizations = organizationsIn(Buffer.from(spec.request, "base64").toString("latin1"));
      if (!organizations) throw refused(review, "failed to parse CSR: PEM block type must be CERTIFICATE REQUEST");
      if (organizations.includes(superuserGroup))
        throw refused(review, `use of ${clientSigner} signer with ${superuserGroup} group is not allowed`);
    },
  };
}
