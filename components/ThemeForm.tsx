import moon from "lucide/moon.mjs";
import monitor from "lucide/monitor.mjs";
import sun from "lucide/sun.mjs";
import { Icon, type IconData } from "@/components/Icon.tsx";
import type { Texts } from "@/components/texts.ts";

/** Light, dark, or as the system: three buttons of a form, so that no script is needed. */
export function ThemeForm(
  { texts, theme, here }: { texts: Texts; theme: string; here: string },
) {
  const choices = [
    { value: "light", label: texts.frame.light, icon: sun },
    { value: "dark", label: texts.frame.dark, icon: moon },
    { value: "auto", label: texts.frame.auto, icon: monitor },
  ];
  return (
    <form method="post" action="/appearance" class="theme" aria-label={texts.frame.theme}>
      <input type="hidden" name="back" value={here} />
      {choices.map(({ value, label, icon }) => (
        <button
          key={value}
          type="submit"
          name="theme"
          value={value}
          aria-pressed={value === theme}
          title={label}
          aria-label={label}
        >
          <Icon of={icon as IconData} />
        </button>
      ))}
    </form>
  );
}
