/** Says that a form is on its way, and lets it be sent once. Without script the browser says it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export interface BusyFormProps {
  /** Id of the form. */
  form: string;
  /** What is said, by the value of the button that sent it. */
  words: Record<string, string>;
  /** What stands there before. */
  idle: string;
}

export default function BusyForm({ form, words, idle }: BusyFormProps) {
  const doing = useSignal("");
  useEffect(() => {
    const element = document.getElementById(form);
    const send = (event: SubmitEvent) => {
      if (doing.value !== "") return event.preventDefault();
      const { submitter } = event;
      doing.value = submitter instanceof HTMLButtonElement ? submitter.value : "save";
    };
    // The page comes back as it was left when somebody goes back to it.
    const show = () => doing.value = "";
    element?.addEventListener("submit", send);
    addEventListener("pageshow", show);
    return () => {
      element?.removeEventListener("submit", send);
      removeEventListener("pageshow", show);
    };
  }, []);
  return <span class="sub" role="status">{words[doing.value] ?? idle}</span>;
}
