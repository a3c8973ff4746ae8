/** The list of keys that work now, from the bindings themselves. */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { bindings, type Binding } from "../keyboard.ts";

const isOpen = signal(false);

export function showKeys(): void {
  isOpen.value = true;
}

export function KeysDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = isOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      class="keys-dialog"
      aria-labelledby="keys-title"
      onClose={() => (isOpen.value = false)}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <h2 id="keys-title">Keys</h2>
      {open && (
        <div class="keys-groups">
          {groups(bindings.value).map(([group, keys]) => (
            <section key={group}>
              <h3>{group}</h3>
              <dl>
                {keys.map(({ keys: names, label }) => (
                  <div key={names}>
                    <dt>{label}</dt>
                    <dd>
                      {names.split(" ").map((name) => (
                        <kbd key={name}>{KEY_LABELS[name] ?? name}</kbd>
                      ))}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      )}
    </dialog>
  );
}

const KEY_LABELS: Record<string, string> = { Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };

/** Pages first, then what works everywhere. */
function groups(all: readonly Binding[]): [string, Binding[]][] {
  const found = new Map<string, Binding[]>();
  for (const binding of all) {
    if (!binding.label) continue;
    const group = found.get(binding.group) ?? [];
    if (!group.some((other) => other.keys === binding.keys)) found.set(binding.group, [...group, binding]);
  }
  return [...found].sort(([one], [other]) => Number(one === "Everywhere") - Number(other === "Everywhere"));
}
