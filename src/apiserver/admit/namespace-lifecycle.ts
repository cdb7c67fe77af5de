import { forbidden, notFound, StatusError } from "../../api/status.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { AdmissionStep } from "./admission.ts";

const undeletable = new Set(["default", "kube-system", "kube-public"]);
// Reviews say something about a namespace without putting anything into it.
const allowedInTerminating = new Set(["localsubjectaccessreviews.authorization.k8s.io"]);

/** Nothing is created in namespaces that do not exist or are going; those that the cluster needs stay. */
export function namespaceLifecycle({ store }: { store: Store }): AdmissionStep {
  return {
    name: "NamespaceLifecycle",
    judgesParts: true,
    mutate({ call, operation, object }) {
      const { namespace, resource } = call;
      if (operation !== "CREATE" || namespace === undefined || allowedInTerminating.has(resource.bucket)) return;
      const entry = store.latest(`/namespaces/${namespace}`);
      if (!entry) throw notFound({ group: "", plural: "namespaces" }, namespace);
      const { deletionTimestamp } = heldObject(entry).metadata;
      if (deletionTimestamp) throw terminating(resource.name, object?.metadata.name ?? "", namespace);
    },
    validate({ call, operation }) {
      if (operation !== "DELETE" || call.resource.bucket !== "namespaces" || !undeletable.has(call.name ?? "")) return;
      throw forbidden(call.resource.name, call.name ?? "", "this namespace may not be deleted");
    },
  };
}

function terminating(resource: { group: string; plural: string }, name: string, namespace: string): StatusError {
  const error = forbidden(
    resource,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const causes = [
    {
      reason: "NamespaceTerminating",
      message: `namespace ${namespace} is being terminated`,
      field: "metadata.namespace",
    },
  ];
  return new StatusError(error.reason, error.message, { ...error.details, causes });
}
