import type { AnyObject } from "../../api/object.ts";
import type { CertificateSigningRequest } from "../../api/schema/types.ts";
import type { Authorizer } from "../authorize/attributes.ts";
import type { UserInfo } from "../user.ts";

export const requestsBucket = "certificatesigningrequests.certificates.k8s.io";

export function requestFrom(object: AnyObject | undefined): CertificateSigningRequest | undefined {
  return object as unknown as CertificateSigningRequest | undefined;
}

/** Whether a user has a right on a signer: on it alone, or on all of its domain (Kubernetes docs, "Certificate signing requests"). */
export function mayUseSigner(
  authorizer: Authorizer,
  user: UserInfo,
  verb: "approve" | "sign",
  signer: string,
): boolean {
  const [domain = ""] = signer.split("/", 1);
  return [signer, `${domain}/*`].some(
    (name) =>
      authorizer.decide({
        user,
        verb,
        isResource: true,
        group: "certificates.k8s.io",
        resource: "signers",
        subresource: "",
        namespace: "",
        name,
        path: "",
      }).allowed,
  );
}
