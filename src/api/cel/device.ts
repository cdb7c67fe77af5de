import { CompileError, compileExpression, type Expression } from "./expression.ts";
import { bool, mapOf, simpleType, type Type, text, typeFrom, typeText } from "./types.ts";

const device: Type = {
  sort: "object",
  name: "kubernetes.DRADevice",
  fields: new Map<string, Type>([
    ["driver", text],
    ["allowMultipleAllocations", bool],
    ["attributes", mapOf(text, mapOf(text, simpleType("dyn")))],
    ["capacity", mapOf(text, mapOf(text, typeFrom("kubernetes.Quantity")))],
  ]),
};

/** Compiles what selects devices (API reference, "CELDeviceSelector"). @throws {CompileError} */
export function compileDeviceSelector(expression: string): Expression {
  const compiled = compiledSelector(expression);
  if (compiled.type.sort === "bool" || compiled.type.sort === "dyn") return compiled;
  throw new CompileError(`must evaluate to bool or the unknown type, not ${typeText(compiled.type)}`);
}

function compiledSelector(expression: string): Expression {
  try {
    return compileExpression(expression, { variables: new Map([["device", device]]) });
  } catch (error) {
    if (error instanceof CompileError) throw new CompileError(`compilation failed: ${error.message}`, { cause: error });
    throw error;
  }
}
