import type { Authorizer } from "../authorize/attributes.ts";
import type { AdmissionStep } from "./admission.ts";
import { refused } from "./refused.ts";
import { mayUseSigner, requestFrom, requestsBucket } from "./signers.ts";

/** Who approves or denies a certificate needs that right on its signer. */
export function certificateApproval({ authorizer }: { readonly authorizer: Authorizer }): AdmissionStep {
  return {
    name: "CertificateApproval",
    validate(review) {
      const { call, operation, old } = review;
      if (call.resource.bucket !== requestsBucket || operation !== "UPDATE" || call.subresource !== "approval") return;
      const signer = requestFrom(old)?.spec.signerName ?? "";
      if (mayUseSigner(authorizer, call.user, "approve", signer)) return;
      throw refused(review, `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`);
    },
  };
}
