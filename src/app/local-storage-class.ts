import { node } from "../api/kinds/core/node.ts";
import { storageClass } from "../api/kinds/storage/storage-class.ts";
import { localPathClass, localPathProvisioner } from "../api/local-path.ts";
import { isSkiffs } from "../api/skiff-node.ts";
import { isReason } from "../api/status.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";

const isDefault = "storageclass.kubernetes.io/is-default-class";
const managedBy = "app.kubernetes.io/managed-by";
const key = { name: localPathClass };

/**
 * Makes the StorageClass of the nodes' own disks, as the default one, when the first node is there that serves it; what a user
 * changes of it stays. Where local storage is switched off, the class that was made goes.
 */
export function keepLocalStorageClass(
  client: Client,
  { informers, offered, log }: { informers: Informers; offered: boolean; log: Log },
): Disposable {
  let done = false;
  const once = (work: () => Promise<void>): void => {
    if (done) return;
    done = true;
    work().catch((error: unknown) => {
      done = false;
      log.warn("the StorageClass local-path is not as it should be", { error });
    });
  };
  if (offered) return informers.of(node).onChange(({ after }) => after && isSkiffs(after) && once(() => make(client)));
  return informers.of(storageClass).onChange(({ after }) => {
    const isOurs = after?.metadata.name === localPathClass && after.metadata.labels?.[managedBy] === "skiff";
    if (isOurs) once(() => client.delete(storageClass, key));
  });
}

async function make(client: Client): Promise<void> {
  try {
    await client.create(storageClass, {
      metadata: { ...key, annotations: { [isDefault]: "true" }, labels: { [managedBy]: "skiff" } },
      provisioner: localPathProvisioner,
      reclaimPolicy: "Delete",
      volumeBindingMode: "WaitForFirstConsumer",
    });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
