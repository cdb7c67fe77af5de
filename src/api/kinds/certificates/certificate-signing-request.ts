import { defineKind } from "../../kind.ts";
import type { CertificateSigningRequest } from "../../schema/types.ts";

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  shortNames: ["csr"],
  scope: "Cluster",
  subresources: {
    approval: true,
    status: true,
  },
});
