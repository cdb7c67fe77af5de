import type { Service } from "../../api/schema/types.ts";

type Variables = Record<string, string>;

/** The variables by which containers are told of Services (Kubernetes docs, "Service", section "Environment variables"). */
export function serviceVariables(services: readonly Service[]): Variables {
  return Object.assign({}, ...services.filter(hasAddress).map(variablesOf));
}

function hasAddress({ spec }: Service): boolean {
  return spec.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None";
}

function variablesOf({ metadata, spec }: Service): Variables {
  const host = spec.clusterIP ?? "";
  const name = metadata.name.toUpperCase().replaceAll("-", "_");
  const ports = spec.ports ?? [];
  const variables: Variables = { [`${name}_SERVICE_HOST`]: host };
  if (ports[0]) variables[`${name}_SERVICE_PORT`] = String(ports[0].port);
  for (const { name: portName, port } of ports) {
    if (portName) variables[`${name}_SERVICE_PORT_${portName.toUpperCase().replaceAll("-", "_")}`] = String(port);
  }
  // The second form is the one that Docker's links once had.
  for (const [index, { port, protocol = "TCP" }] of ports.entries()) {
    const lower = protocol.toLowerCase();
    const address = host.includes(":") ? `[${host}]` : host;
    const url = `${lower}://${address}:${port}`;
    const prefix = `${name}_PORT_${port}_${protocol.toUpperCase()}`;
    if (index === 0) variables[`${name}_PORT`] = url;
    variables[prefix] = url;
    variables[`${prefix}_PROTO`] = lower;
    variables[`${prefix}_PORT`] = String(port);
    variables[`${prefix}_ADDR`] = host;
  }
  return variables;
}
