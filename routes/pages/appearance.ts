import {
  forgottenTimeZoneCookie,
  isTimeZone,
  themeCookie,
  THEMES,
  timeZoneCookie,
} from "@/routes/appearance.ts";
import { field, ownPath, readForm, seeOther } from "@/routes/page_form.ts";
import { define } from "@/routes/page_state.ts";

/** Theme and time zone of this browser; open to everybody, since visitors choose too. */
export const handler = define.handlers({
  async POST({ req }) {
    const form = await readForm(req);
    const zone = field(form, "time_zone");
    const isWrong = zone !== "" && !isTimeZone(zone);
    // The account shows the input again with what is wrong with it.
    const unknown = `/account?zone=${encodeURIComponent(zone.slice(0, 64).toWellFormed())}`;
    const response = seeOther(isWrong ? unknown : ownPath(field(form, "back")));
    const theme = THEMES.find((each) => each === field(form, "theme"));
    if (theme !== undefined) response.headers.append("set-cookie", themeCookie(theme));
    if (form.has("time_zone") && !isWrong) {
      const cookie = zone === "" ? forgottenTimeZoneCookie() : timeZoneCookie(zone);
      response.headers.append("set-cookie", cookie);
    }
    return response;
  },
});
