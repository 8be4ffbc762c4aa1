import { legalHandler, LegalView } from "@/routes/legal_page.tsx";

export const handler = legalHandler("privacy");

export default LegalView;
