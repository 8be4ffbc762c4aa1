import type { Texts } from "@/components/texts.ts";
import { ORDER_KITS } from "@/model/order.ts";

/** The kits as cards of which one is chosen. */
export function KitChoice(
  { texts: { visitors: words }, value, error }: { texts: Texts; value: string; error?: string },
) {
  return (
    <fieldset class="kits" aria-describedby={error === undefined ? undefined : "kit-error"}>
      <legend>{words.purchaseKit}</legend>
      {ORDER_KITS.map((kit) => {
        const [title, text] = words.kits[kit];
        return (
          <label key={kit}>
            <input type="radio" name="kit" value={kit} checked={kit === value} required />
            <span class="kit-title">{title}</span>
            <span class="kit-text">{text}</span>
          </label>
        );
      })}
      {error !== undefined && <p class="field-error" id="kit-error">{error}</p>}
    </fieldset>
  );
}
