import type { AnyObject } from "../../../api/object.ts";
import type { Special } from "../deps.ts";

/** A namespace goes when its contents are gone, which its own finalizers tell. */
export const namespaces: Special = {
  holds: (namespace: AnyObject) => {
    const { finalizers = [] } = (namespace.spec ?? {}) as { finalizers?: string[] };
    return finalizers.length > 0;
  },
};
