import type { FieldError, Path } from "../field.ts";
import type { PodSpec, SecurityContext, WindowsSecurityContextOptions } from "../schema/types.ts";
import { dnsSubdomain } from "./names.ts";
import { validateText } from "./values.ts";

/* What pods for Windows say of their users (Kubernetes docs, "Configure RunAsUserName", "Create a Windows HostProcess Pod"). */

const longestSpecKib = 64;
const longestDomain = 256;
const longestUser = 104;
const control = /[\x00-\x1f\x7f]/;
const netBiosName = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const dnsName = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);

export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, at: Path): FieldError[] {
  if (!options) return [];
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName } = options;
  const place = at.child("gmsaCredentialSpec");
  const errors = name === undefined ? [] : validateText(dnsSubdomain, name, at.child("gmsaCredentialSpecName"));
  if (spec === "") errors.push(place.invalid(spec, "gmsaCredentialSpec cannot be an empty string"));
  if (spec !== undefined && spec.length > longestSpecKib * 1024)
    errors.push(place.invalid(spec, `gmsaCredentialSpec size must be under ${longestSpecKib} KiB`));
  if (runAsUserName !== undefined)
    errors.push(
      ...userFaults(runAsUserName).map((fault) =>
        at.child("runAsUserName").invalid(runAsUserName, `runAsUserName${fault}`),
      ),
    );
  return errors;
}

/** "DOMAIN\user", or the user alone. */
function userFaults(name: string): string[] {
  if (name === "") return [" cannot be an empty string"];
  if (control.test(name)) return [" cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return [" cannot contain more than one backslash"];
  const user = parts.at(-1) ?? "";
  const domain = parts.length === 2 ? parts[0] : undefined;
  const faults: string[] = [];
  if (domain !== undefined && domain.length >= longestDomain)
    faults.push(`'s Domain length must be under ${longestDomain} characters`);
  if (domain !== undefined && !netBiosName.test(domain) && !dnsName.test(domain))
    faults.push("'s Domain doesn't match the NetBios nor the DNS format");
  if (user === "") faults.push("'s User cannot be empty");
  else if (user.length > longestUser) faults.push(`'s User length must not be longer than ${longestUser} characters`);
  if (/^[. ]+$/.test(user)) faults.push("'s User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user))
    faults.push(`'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  return faults;
}

/** Processes of the host: either all containers are such, or none; and they share its network. */
export function validateHostProcesses(
  spec: PodSpec,
  containers: readonly (readonly [SecurityContext | undefined, Path])[],
  at: Path,
): FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const errors: FieldError[] = [];
  let count = 0;
  for (const [context, place] of containers) {
    const own = context?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own)
      errors.push(
        place
          .child("windowsOptions", "hostProcess")
          .invalid(own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`),
      );
    if (own ?? ofPod) count++;
  }
  if (count === 0) return errors;
  if (count !== containers.length)
    errors.push(
      at.invalid("", "If pod contains any hostProcess containers then all containers must be HostProcess containers"),
    );
  if (!spec.hostNetwork)
    errors.push(
      at.child("hostNetwork").invalid(false, "hostNetwork must be true if pod contains any hostProcess containers"),
    );
  return errors;
}
