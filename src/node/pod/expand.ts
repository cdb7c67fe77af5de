/** Replaces $(NAME) by what `lookUp` finds; `$$` stands for `$`; what is not known stays as it is. */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, mark: string, name: string | undefined) => {
    if (mark === "$") return "$";
    return lookUp(name ?? "") ?? whole;
  });
}
