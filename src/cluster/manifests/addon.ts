import { defineKind } from "../../api/kind.ts";
import type { AnyObject, KubeObject } from "../../api/object.ts";

/** An object that came from a manifest file. */
export interface Made {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** What was made of a manifest file: by it the server knows what to remove when an object vanishes from the file. */
export interface Addon extends KubeObject {
  readonly spec: { readonly source: string; readonly checksum: string };
  readonly status?: { readonly objects?: readonly Made[] };
}

export const addon = defineKind<Addon>({
  group: "skiff.io",
  version: "v1",
  kind: "Addon",
  plural: "addons",
  scope: "Namespaced",
});

/** Every Addon lives here, whatever its objects do. */
export const addonNamespace = "kube-system";

const text = { type: "string" };
export const addonDefinition = {
  metadata: { name: "addons.skiff.io" },
  spec: {
    group: "skiff.io",
    names: { kind: "Addon", plural: "addons", singular: "addon", listKind: "AddonList" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: "Source", type: "string", jsonPath: ".spec.source" },
          { name: "Checksum", type: "string", jsonPath: ".spec.checksum" },
        ],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: { type: "object", properties: { source: text, checksum: text } },
              status: {
                type: "object",
                properties: {
                  objects: {
                    type: "array",
                    items: {
                      type: "object",
                      properties: { apiVersion: text, kind: text, namespace: text, name: text },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

export function madeFrom({ apiVersion, kind, metadata }: AnyObject, isNamespaced: boolean): Made {
  return {
    apiVersion,
    kind,
    ...(isNamespaced && { namespace: metadata.namespace ?? "default" }),
    name: metadata.name,
  };
}

/** Those that were made before and are no longer asked for. */
export function vanished(before: readonly Made[], after: readonly Made[]): readonly Made[] {
  const key = ({ apiVersion, kind, namespace = "", name }: Made): string =>
    [apiVersion.split("/").at(-2) ?? "", kind, namespace, name].join(" ");
  const kept = new Set(after.map(key));
  return before.filter((made) => !kept.has(key(made)));
}
