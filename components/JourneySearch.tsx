import type { Texts } from "@/components/texts.ts";

/** Leads to the journey of a message by its id. */
export function JourneySearch({ texts: { delivery } }: { texts: Texts }) {
  return (
    <form method="get" action="/delivery" role="search" class="form inline">
      <div class="field">
        <label for="field-message" class="visually-hidden">{delivery.search}</label>
        <input
          id="field-message"
          name="message"
          type="search"
          placeholder={delivery.search}
          title={delivery.searchHelp}
          required
          maxLength={200}
          spellcheck={false}
          autocomplete="off"
        />
      </div>
      <button type="submit" class="button">{delivery.find}</button>
    </form>
  );
}
