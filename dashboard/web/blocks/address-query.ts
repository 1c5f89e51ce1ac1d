import { useSearchParams } from "wouter";

/** Parameters of the address, so that a filtered list can be linked to and survives a reload. Empty values are left out. */
export function useAddressQuery(): [
  get: (name: string) => string,
  set: (changed: Readonly<Record<string, string>>) => void,
] {
  const [parameters, setParameters] = useSearchParams();
  const set = (changed: Readonly<Record<string, string>>) =>
    setParameters(
      (before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changed))
          if (value === "") next.delete(name);
          else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return [(name) => parameters.get(name) ?? "", set];
}
