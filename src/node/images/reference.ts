/** The registry that an image's name begins with, Docker's own where none is named, and the path behind it without tag. */
export function registryOf(image: string): { registry: string; path: string } {
  const [first = "", ...rest] = image.split("/");
  const named = rest.length > 0 && (first.includes(".") || first.includes(":") || first === "localhost");
  const path = (named ? rest.join("/") : image).replace(/@.*$/, "").replace(/:[^/]*$/, "");
  if (named) return { registry: first, path };
  return { registry: "docker.io", path: path.includes("/") ? path : `library/${path}` };
}

/** Whether a text can be the name of an image (Docker's distribution, "reference"). */
export function isReference(image: string): boolean {
  const part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
  const host = "[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?";
  return new RegExp(`^(?:${host}/)?${part}(?:/${part})*(?::[\\w][\\w.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?$`).test(
    image,
  );
}

/** The reference with the tag that is meant when none is named. */
export function withTag(image: string): string {
  if (image.includes("@")) return image;
  return image.slice(image.lastIndexOf("/") + 1).includes(":") ? image : `${image}:latest`;
}
