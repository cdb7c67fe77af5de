import { Compacted, type Store, type Watch } from "../../../store/contract.ts";

/** The store, with watches of which the next read finds that history has moved on past them. */
export function forgetful(store: Store): { readonly store: Store; loseHistory(): void; readonly open: () => number } {
  let isLost = false;
  let open = 0;
  const watch = (...args: Parameters<Store["watch"]>): Watch => {
    const real = store.watch(...args);
    open++;
    return {
      get revision() {
        return real.revision;
      },
      read(max) {
        if (!isLost) return real.read(max);
        isLost = false;
        throw new Compacted(1, 2);
      },
      [Symbol.dispose]() {
        open--;
        real[Symbol.dispose]();
      },
    };
  };
  const seen = new Proxy(store, {
    get: (target, name) => {
      if (name === "watch") return watch;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    store: seen,
    loseHistory: () => {
      isLost = true;
    },
    open: () => open,
  };
}
