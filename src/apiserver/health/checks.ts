/** A thing that must be so for the server to be alive or ready. */
export interface HealthCheck {
  readonly name: string;
  /** Throws (or rejects) with what is wrong. */
  check(): void | Promise<void>;
}

export interface HealthAnswer {
  readonly code: number;
  readonly text: string;
}

/** The checks behind /healthz, /livez or /readyz (Kubernetes docs, "Kubernetes API health endpoints"). */
export class HealthChecks {
  readonly #kind: string;
  readonly #checks: HealthCheck[];

  constructor(kind: "healthz" | "livez" | "readyz", checks: readonly HealthCheck[]) {
    this.#kind = kind;
    this.#checks = [...checks];
  }

  get names(): string[] {
    return this.#checks.map(({ name }) => name);
  }

  add(check: HealthCheck): void {
    this.#checks.push(check);
  }

  /** One check alone; undefined when there is none of that name. */
  async one(name: string): Promise<HealthAnswer | undefined> {
    const check = this.#checks.find((candidate) => candidate.name === name);
    if (!check) return undefined;
    const fault = await faultOf(check);
    return fault === undefined ? { code: 200, text: "ok" } : { code: 500, text: `internal server error: ${fault}\n` };
  }

  async all(verbose: boolean, excluded: readonly string[]): Promise<HealthAnswer> {
    const lines: string[] = [];
    let failed = false;
    const left = new Set(excluded);
    for (const check of this.#checks) {
      if (left.delete(check.name)) {
        lines.push(`[+]${check.name} excluded: ok`);
        continue;
      }
      const fault = await faultOf(check);
      failed ||= fault !== undefined;
      lines.push(fault === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`);
    }
    if (left.size > 0)
      lines.push(
        `warn: some health checks cannot be excluded: no matches for ${[...left].map((n) => JSON.stringify(n)).join(", ")}`,
      );
    const text = lines.join("\n");
    if (failed) return { code: 500, text: `${text}\n${this.#kind} check failed\n` };
    return { code: 200, text: verbose ? `${text}\n${this.#kind} check passed\n` : "ok" };
  }
}

async function faultOf({ check }: HealthCheck): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
