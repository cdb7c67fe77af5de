import { type Checked, checkExpression, type Declarations } from "./check.ts";
import { evaluate, type Scope } from "./evaluate.ts";
import { parseExpression } from "./parser.ts";
import { CostExceeded, type CostMeter } from "./run-cost.ts";
import { issueText, SyntaxIssue } from "./syntax.ts";
import { CelError, type Value } from "./values.ts";

/** What is wrong with an expression's text, in CEL's words. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/** An expression that was read and found to fit what it speaks of. */
export interface Expression extends Checked {
  readonly text: string;
  /** Whether it names a variable. */
  uses(variable: string): boolean;
  /**
   * Its value. The meter says what that cost, or what came of it before something went wrong.
   * @throws {CelError}
   * @throws {CostExceeded} at the meter's limit
   */
  evaluate(scope: Scope, meter: CostMeter): Value;
}

/** Whether an error is of those with which `evaluate` says that there is no value. */
export function isEvaluationError(error: unknown): error is CelError | CostExceeded {
  return error instanceof CelError || error instanceof CostExceeded;
}

/** @throws {CompileError} */
export function compileExpression(text: string, declarations: Declarations): Expression {
  const checked = checkExpression(parsed(text), declarations);
  if (!("expression" in checked)) throw new CompileError(issueText(text, checked));
  const used = new Set(checked.names.values());
  return {
    ...checked,
    text,
    uses: (variable) => used.has(variable),
    evaluate: (scope, meter) => evaluate(checked, scope, meter),
  };
}

function parsed(text: string): ReturnType<typeof parseExpression> {
  try {
    return parseExpression(text);
  } catch (error) {
    if (error instanceof SyntaxIssue) throw new CompileError(issueText(text, error.issues), { cause: error });
    throw error;
  }
}
