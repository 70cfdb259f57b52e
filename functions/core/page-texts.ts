import type { FailureCause } from './session';

/** The languages that pages are written in, by their ISO 639-1 code. */
export const languages = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'pl', 'sv', 'da', 'ja', 'ar'] as const;
export type Language = (typeof languages)[number];

/**
 * What pages say in one language. `{app}` stands for the app as `app` writes it, so that sentences need only fit one form;
 * `{provider}` for a health app on the phone, such as Apple Health. Titles and causes are headings: short, without a stop.
 */
export type PageTexts = {
  /** The app in a sentence: where the deployment has not named it, and with its name as `%`. */
  readonly app: readonly [unnamed: string, named: string];
  /** Titles: of a visit that leads nowhere, of a return, of what goes on in the app. */
  readonly closable: string;
  readonly almostDone: string;
  readonly oneMoreStep: string;
  readonly goOn: string;
  readonly inApp: string;
  readonly failed: string;
  /** On the button. */
  readonly back: string;
} & {
  /** Titles of failures. */
  readonly [cause in FailureCause]: string;
};

/** A sentence that is missing in a language does not compile. */
export const pageTexts: { readonly [language in Language]: PageTexts } = {
  en: {
    app: ['the app', 'the % app'],
    closable: 'You can close this page',
    almostDone: 'Almost done',
    oneMoreStep: 'One more step',
    goOn: 'Go back to {app} to continue.',
    inApp: '{provider} is connected in the app itself.',
    cancelled: 'Connecting was cancelled',
    denied: 'Access was not allowed',
    provider_error: 'The service reported a problem',
    unknown: 'That did not work',
    failed: 'Nothing was connected. You can try again in {app}.',
    back: 'Back to {app}',
  },
  de: {
    app: ['App', 'App %'],
    closable: 'Sie können diese Seite schließen',
    almostDone: 'Fast geschafft',
    oneMoreStep: 'Noch ein Schritt',
    goOn: 'Weiter geht es in der {app}.',
    inApp: '{provider} wird direkt in der App verbunden.',
    cancelled: 'Das Verbinden wurde abgebrochen',
    denied: 'Der Zugriff wurde nicht erlaubt',
    provider_error: 'Der Dienst hat ein Problem gemeldet',
    unknown: 'Das hat nicht geklappt',
    failed: 'Es wurde nichts verbunden. Sie können es in der {app} noch einmal versuchen.',
    back: 'Zurück zur {app}',
  },
  fr: {
    app: ['l’application', 'l’application %'],
    closable: 'Vous pouvez fermer cette page',
    almostDone: 'C’est presque terminé',
    oneMoreStep: 'Encore une étape',
    goOn: 'Retournez dans {app} pour continuer.',
    inApp: '{provider} se connecte directement dans l’application.',
    cancelled: 'La connexion a été annulée',
    denied: 'L’accès n’a pas été autorisé',
    provider_error: 'Le service a signalé un problème',
    unknown: 'Cela n’a pas fonctionné',
    failed: 'Rien n’a été connecté. Vous pouvez réessayer dans {app}.',
    back: 'Retour à {app}',
  },
  es: {
    app: ['la app', 'la app %'],
    closable: 'Puedes cerrar esta página',
    almostDone: 'Ya casi está',
    oneMoreStep: 'Un paso más',
    goOn: 'Vuelve a {app} para continuar.',
    inApp: '{provider} se conecta directamente en la app.',
    cancelled: 'Se canceló la conexión',
    denied: 'No se permitió el acceso',
    provider_error: 'El servicio informó de un problema',
    unknown: 'No ha funcionado',
    failed: 'No se ha conectado nada. Puedes intentarlo de nuevo en {app}.',
    back: 'Volver a {app}',
  },
  it: {
    app: ['app', 'app %'],
    closable: 'Puoi chiudere questa pagina',
    almostDone: 'Ci siamo quasi',
    oneMoreStep: 'Ancora un passaggio',
    goOn: 'Torna all’{app} per continuare.',
    inApp: '{provider} si collega direttamente nell’app.',
    cancelled: 'Il collegamento è stato annullato',
    denied: 'L’accesso non è stato consentito',
    provider_error: 'Il servizio ha segnalato un problema',
    unknown: 'Non ha funzionato',
    failed: 'Non è stato collegato nulla. Puoi riprovare nell’{app}.',
    back: 'Torna all’{app}',
  },
  pt: {
    app: ['app', 'app %'],
    closable: 'Você pode fechar esta página',
    almostDone: 'Quase pronto',
    oneMoreStep: 'Só falta um passo',
    goOn: 'Volte ao {app} para continuar.',
    inApp: '{provider} se conecta no próprio app.',
    cancelled: 'A conexão foi cancelada',
    denied: 'O acesso não foi permitido',
    provider_error: 'O serviço informou um problema',
    unknown: 'Não deu certo',
    failed: 'Nada foi conectado. Você pode tentar de novo no {app}.',
    back: 'Voltar ao {app}',
  },
  nl: {
    app: ['de app', 'de app %'],
    closable: 'Je kunt deze pagina sluiten',
    almostDone: 'Bijna klaar',
    oneMoreStep: 'Nog één stap',
    goOn: 'Ga terug naar {app} om verder te gaan.',
    inApp: '{provider} koppel je in de app zelf.',
    cancelled: 'Het koppelen is geannuleerd',
    denied: 'Er is geen toegang gegeven',
    provider_error: 'De dienst meldde een probleem',
    unknown: 'Dat is niet gelukt',
    failed: 'Er is niets gekoppeld. Je kunt het opnieuw proberen in {app}.',
    back: 'Terug naar {app}',
  },
  pl: {
    app: ['aplikacji', 'aplikacji %'],
    closable: 'Możesz zamknąć tę stronę',
    almostDone: 'Prawie gotowe',
    oneMoreStep: 'Jeszcze jeden krok',
    goOn: 'Wróć do {app}, aby kontynuować.',
    inApp: 'Połączenie z usługą {provider} odbywa się w samej aplikacji.',
    cancelled: 'Łączenie zostało anulowane',
    denied: 'Nie udzielono dostępu',
    provider_error: 'Usługa zgłosiła problem',
    unknown: 'To się nie udało',
    failed: 'Nic nie zostało połączone. Możesz spróbować ponownie w {app}.',
    back: 'Wróć do {app}',
  },
  sv: {
    app: ['appen', 'appen %'],
    closable: 'Du kan stänga den här sidan',
    almostDone: 'Nästan klart',
    oneMoreStep: 'Ett steg till',
    goOn: 'Gå tillbaka till {app} för att fortsätta.',
    inApp: '{provider} ansluts i själva appen.',
    cancelled: 'Anslutningen avbröts',
    denied: 'Åtkomst gavs inte',
    provider_error: 'Tjänsten rapporterade ett problem',
    unknown: 'Det fungerade inte',
    failed: 'Inget har anslutits. Du kan försöka igen i {app}.',
    back: 'Tillbaka till {app}',
  },
  da: {
    app: ['appen', 'appen %'],
    closable: 'Du kan lukke denne side',
    almostDone: 'Næsten færdig',
    oneMoreStep: 'Et trin mere',
    goOn: 'Gå tilbage til {app} for at fortsætte.',
    inApp: '{provider} forbindes i selve appen.',
    cancelled: 'Forbindelsen blev annulleret',
    denied: 'Adgang blev ikke givet',
    provider_error: 'Tjenesten meldte om et problem',
    unknown: 'Det lykkedes ikke',
    failed: 'Intet blev forbundet. Du kan prøve igen i {app}.',
    back: 'Tilbage til {app}',
  },
  ja: {
    app: ['アプリ', '「%」アプリ'],
    closable: 'このページは閉じてかまいません',
    almostDone: 'もうすぐ完了です',
    oneMoreStep: 'あと1ステップです',
    goOn: '{app}に戻って続けてください。',
    inApp: '{provider}はアプリ内で接続します。',
    cancelled: '接続がキャンセルされました',
    denied: 'アクセスが許可されませんでした',
    provider_error: 'サービス側で問題が発生しました',
    unknown: '接続できませんでした',
    failed: '何も接続されていません。{app}でもう一度お試しください。',
    back: '{app}に戻る',
  },
  ar: {
    app: ['التطبيق', 'تطبيق %'],
    closable: 'يمكنك إغلاق هذه الصفحة',
    almostDone: 'أوشكت على الانتهاء',
    oneMoreStep: 'بقيت خطوة واحدة',
    goOn: 'عُد إلى {app} للمتابعة.',
    inApp: 'يتم ربط {provider} من داخل التطبيق نفسه.',
    cancelled: 'تم إلغاء الربط',
    denied: 'لم يُسمح بالوصول',
    provider_error: 'أبلغت الخدمة عن مشكلة',
    unknown: 'لم ينجح الأمر',
    failed: 'لم يتم ربط أي شيء. يمكنك المحاولة مرة أخرى في {app}.',
    back: 'العودة إلى {app}',
  },
};
