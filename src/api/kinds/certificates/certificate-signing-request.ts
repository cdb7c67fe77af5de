import { defineKind } from "../../kind.ts";

export const certificateSigningRequest = defineKind({
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
