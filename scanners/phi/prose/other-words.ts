// Words of German, French, Spanish and Portuguese that tell what stands beside them. Parts of expressions, parted by `|`.

/** In front of a name; none of them is a name itself. */
export const titles =
  'Herrn?|Hr\\.|Frau|Fr\\.|Dr\\.(?: med\\.)?|Prof\\.|med\\.|Kollegin|Kollege|Familie|Pfleger|Patientin|Patienten|Patient|' +
  'Mme|Mlle|Madame|Monsieur|Mademoiselle|Docteure?|Dr|Pr|Professeur|M\\.|patiente?|' +
  'Señora?|Sra?\\.|Dña\\.|D\\.|Doña|Don|doña|don|Dra?\\.|Doctora?|doctora?|paciente|' +
  'Senhora?|senhora?|Dona|dona|Enf\\.|Doutora?|doente|utente|Sr|Sra';

/** Relatives and others of whom a letter tells; the name follows. */
export const relatives =
  'Ehefrau|Ehemann|Ehegatte|Gattin|Tochter|Sohn|Schwester|Bruder|Mutter|Vater|Enkelin|Enkel|Oma|Opa|Tante|Onkel|Nichte|Neffe|' +
  'Nachbarin|Nachbar|Freundin|Freund|Partnerin|Partner|Lebensgefährtin|Lebensgefährte|Betreuerin|Betreuer|Bewohnerin|Bewohner|' +
  'mari|femme|épouse|époux|fils|fille|soeur|sœur|frère|mère|père|amie?|voisine?|conjointe?|compagne|compagnon|' +
  'neveu|nièce|tante|oncle|hij[oa]|espos[oa]|marido|mujer|herman[oa]|madre|padre|vecin[oa]|niet[oa]|prim[oa]|t[ií]a|' +
  'sobrin[oa]|amig[oa]|cuñad[oa]|filh[oa]|irmão|irmã|mãe|pai|net[oa]|vizinh[oa]|sobrinh[oa]|cuidador[a]?';

export const salutations =
  'Liebe[rs]?|Hallo|Hi|Moin|Servus|Guten (?:Tag|Morgen|Abend)|Sehr geehrte[rs]?|Bonjour|Bonsoir|Chère|Cher|Salut|Coucou|' +
  'Hola|Queridos?|Queridas?|Estimad[oa]|Buen[oa]s (?:días|tardes|noches)|Olá|Oi|Car[oa]|Prezad[oa]|Bom dia|Boa (?:tarde|noite)';

export const introductions =
  'ich bin|ich heiße|mein Name ist|namens|je suis|je m.appelle|mon nom est|nommée?|appelée?|soy|me llamo|mi nombre es|' +
  'llamad[oa]|sou [oa]|me chamo|chamo-me|o meu nome é|meu nome é|chamad[oa]|habla|fala';

export const closings =
  'Grüßen?|Grüsse[n]?|Gruß|Hochachtungsvoll|Cordialement|salutations|Amicalement|Bien à vous|Merci|Bises|Bisous|' +
  'Saludos|Atentamente|abrazo|Besos|Cordialmente|Cumprimentos|Abraços?|Beijos|Obrigad[oa]|Atenciosamente|Gracias';

export const nameLabels =
  'Name|Nom|Nombre|Nome|Prénom|Vorname|Nachname|Patientin|Patient|Patiente|Paciente|Doente|Utente|Bewohnerin|Bewohner|' +
  'Versicherter?|Nombre y apellidos|Nom et prénom|Nome completo|Médecin|Médecin traitant|Médico|Hausarzt|Hausärztin|' +
  'Behandelnder Arzt|Arzt|Ärztin|Facharzt|Enfermera?|Contacto|Angehörige[r]?|Ansprechpartner';

export const streetEndings =
  'straße|strasse|str\\.|weg|platz|allee|gasse|ring|damm|ufer|steig|chaussee|markt|graben|hof';
export const streetNouns = 'Straße|Strasse|Str\\.|Weg|Platz|Allee|Gasse|Ring|Damm|Ufer';
export const frenchStreets =
  'rue|avenue|av\\.|boulevard|bd\\.?|place|chemin|allée|allées|impasse|quai|cours|route|square|passage|résidence|faubourg';
export const iberianStreets =
  'Calle|C/|Avenida|Avda\\.|Av\\.|Plaza|Pza\\.|Paseo|Camino|Carretera|Ronda|Rua|R\\.|Travessa|Praça|Largo|Estrada|Alameda';

/** Words of care. */
export const clinicalWords =
  'patientin|patienten|diagnosen?|anamnese|aufnahme|entlassung|stationär\\w*|ambulant\\w*|krankenhaus|klinik\\w*|hausarzt|' +
  'hausärztin|oberärzt\\w*|schmerzen|brustschmerz\\w*|befund\\w*|medikation|behandlung|therapie|krankenkasse|versicherten\\w*|' +
  'pflege\\w*|frühdienst|spätdienst|operation|blutdruck|notaufnahme|beschwerden|station|bewohnerin|bewohner|' +
  'patiente|hospitalis\\w+|douleurs?|traitement|médecin|dossier|consultation|clinique|ordonnance|hôpital|hospitalier|' +
  'antécédents|diagnostic|chirurgie|cardiologie|urgences|infirmi\\w+|sécurité sociale|maladie|suivie?|examen|' +
  'paciente|ingreso|ingresó|alta|diagnóstico|médic[oa]|tratamiento|dolor|urgencias|enfermer[oa]|motivo|nhc|disnea|' +
  'centro de salud|antecedentes|cirugía|fiebre|seguridad social|informe|' +
  'doente|utente|internad[oa]|internamento|dor|tratamento|enfermeir[oa]|relatório|centro de saúde|medicação|febre|cirurgia';

function set(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}

/** Words that end a name: in German every noun begins with a capital. */
export const nouns: ReadonlySet<string> = set(
  'patient patientin patienten kollegin kollege kollegen klinik klinikum krankenhaus abteilung innere medizin chirurgie ' +
    'diagnose diagnosen anamnese aufnahme entlassung befund therapie medikation behandlung zimmer station tel telefon ' +
    'fax datum geburtsdatum adresse anschrift wohnort name vorname nachname uhr januar februar märz april mai juni juli ' +
    'august september oktober november dezember montag dienstag mittwoch donnerstag freitag samstag sonntag herr herrn ' +
    'frau fr hr dr prof med der die das und ist hat wurde wird war bei mit für von zu seine ihre sein ihr sie er wir ich ' +
    'viele liebe beste freundliche grüße grüßen damen herren hallo guten tag morgen abend bitte danke oberarzt oberärztin ' +
    'chefarzt chefärztin assistenzarzt ärztin arzt schwester frühdienst spätdienst nachtdienst rr knie schmerzen kopf brust ' +
    'tochter sohn ehefrau ehemann mutter vater bruder hausarzt hausärztin pflegefachkraft versicherung krankenkasse ' +
    'hôpital hospital centre clinique service cardiologie madame monsieur docteur mme mlle docteure professeur bonjour ' +
    'merci cher chère confrère consœur patiente né née numéro dossier sécurité sociale adresse téléphone date naissance ' +
    'lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril juin juillet août octobre novembre ' +
    'décembre je il elle nous vous son sa ses le la les un une des du de et est dans pour avec au aux ce cette tel ' +
    'paciente fecha nacimiento domicilio teléfono motivo ingreso alta informe hospital centro salud urgencias doctor ' +
    'doctora señor señora don doña sr sra dra nhc dni enero febrero marzo abril mayo junio julio agosto septiembre octubre ' +
    'noviembre diciembre lunes martes miércoles jueves viernes sábado domingo el ella su sus se en con por para que fue ' +
    'está hola gracias saludos doente utente data nascimento morada telefone relatório senhor senhora dona consulta ' +
    'janeiro fevereiro março maio junho julho setembro outubro novembro dezembro segunda terça quarta quinta sexta ' +
    'contacto contato esposa marido filho filha olá obrigado obrigada cumprimentos',
);

/** Frequent words that English does not have. */
export const functionWords: ReadonlySet<string> = set(
  'der und ist nicht mit von den dem ein eine einen einer zu im auf für sich bei nach wir ich sie vom wird wurde hat haben ' +
    'ihr ihre ihnen seine seinem bitte auch aus noch sehr geehrte geb uns mich dass oder über zum zur unter seit ' +
    'le la les une est et dans pour que qui avec sur vous nous aux du par votre cette été il elle je ne pas au ' +
    'née depuis chez mais el los las y en con por para del su fue está como más mi una al lo le ha desde hasta pero ' +
    'años muy de há paciente obrigado obrigada bom dia celular nascida nascido nacida nacido señor hola saludo gracias merci ' +
    'bonjour danke hallo kannst vielen dank herr frau monsieur madame senhor senhora pela que os uma em com não na ao é foi da dos das sua seu pela pelo mais ou também são às nos',
);

export const englishWords: ReadonlySet<string> = set(
  'the and of is with for she his her that this you was were has had have from are not been will at on by it they him he',
);
