import { isDeepStrictEqual } from "node:util";
import type { AnyObject } from "../../api/object.ts";
import type { Authorizer } from "../authorize/attributes.ts";
import type { AdmissionStep } from "./admission.ts";
import { refused } from "./refused.ts";
import { mayUseSigner, requestFrom, requestsBucket } from "./signers.ts";

/** Who writes a certificate into its request needs the right to sign for its signer. */
export function certificateSigning({ authorizer }: { readonly authorizer: Authorizer }): AdmissionStep {
  return {
    name: "CertificateSigning",
    validate(review) {
      const { call, operation, object, old } = review;
      if (call.resource.bucket !== requestsBucket || operation !== "UPDATE" || call.subresource !== "status") return;
      if (isDeepStrictEqual(outcomeOf(object), outcomeOf(old))) return;
      const signer = requestFrom(old)?.spec.signerName ?? "";
      if (mayUseSigner(authorizer, call.user, "sign", signer)) return;
      throw refused(review, `user not permitted to sign requests with signerName ${JSON.stringify(signer)}`);
    },
  };
}

function outcomeOf(object: AnyObject | undefined): unknown {
  const { certificate, conditions = [] } = requestFrom(object)?.status ?? {};
  return { certificate, conditions };
}
