// Small stocks of words for the training sentences.

/** What stands in front of and behind a street's name; a suffix in lower case is written without a blank. */
export const streetWords: readonly (readonly [string, string])[] = (
  '|Street |Street |St |St. |Avenue |Ave |Ave. |Road |Road |Rd |Lane |Ln |Drive |Drive |Dr |Court |Ct |Boulevard |Blvd |' +
  'Way |Place |Terrace |Crescent |Close |Circle |Parkway |Highway |Square |Hill |Walk |Grove |strasse |stra\u00dfe |str. |' +
  'weg |gasse |platz |allee |ring |laan |straat |plein |gade |vej |gatan |v\u00e4gen |gata |veien |katu |tie |utca |\u00fat |ulica |' +
  'ulice |n\u00e1m\u011bst\u00ed |utja |tee |street |rue| de la|Rue| |Rue de|Rue du|Avenue|Place|Boulevard|Chemin de|' +
  'Calle|Calle de|Avenida|Plaza|Paseo|Carrera|C/|Rua|Rua da|Avenida da|Travessa|Via|Viale|Piazza|Corso|Am|An der|ul.|Quai'
)
  .split('|')
  .filter((entry) => entry.trim() !== '')
  .map((entry) =>
    entry.endsWith(' ') || /^[a-z\u00e0-\u024f]/.test(entry)
      ? (['', entry.trim()] as const)
      : ([entry.trim(), ''] as const),
  );

export const jobs: readonly string[] = (
  'Nurse|Machine operator|Systems analyst|Software engineer|Teacher|Sales manager|Truck driver|Accountant|Office clerk|' +
  'Registered nurse|Physical therapist|Research assistant|Store manager|Electrician|Carpenter|Chief executive officer|' +
  'Data entry clerk|Web designer|Librarian|Plumber|Police officer|Training specialist|Receptionist|Dental assistant'
).split('|');

export const companyWords: readonly string[] = (
  'Media|Foods|Solutions|Industries|Partners|Energy|Logistics|Health|Insurance|Motors|Airlines|Records|Networks|Labs|' +
  'Consulting|Analytics|Maintenance|Services|Security|Warehouse|Markets|Republic|Associates|Patent Services'
).split('|');

export const illnesses: readonly string[] = (
  'type 2 diabetes|hypertension|chest pain|shortness of breath|asthma|pneumonia|a fractured hip|breast cancer|COPD|' +
  "atrial fibrillation|heart failure|Crohn's disease|Parkinson disease|depression|migraine|Hodgkin lymphoma|back pain|" +
  "acute renal failure|a urinary tract infection|hypothyroidism|coronary artery disease|Alzheimer's dementia|sepsis|" +
  'Graves disease|epilepsy|a stroke|osteoarthritis|anemia|HIV|hepatitis C|Bell palsy|Addison disease|Down syndrome'
).split('|');

export const drugs: readonly string[] = (
  'metformin|lisinopril|Lipitor|aspirin|Tylenol|amoxicillin|prednisone|warfarin|Coumadin|insulin|Zoloft|albuterol|' +
  'metoprolol|carvedilol|amlodipine|losartan|furosemide|clopidogrel|heparin|oxycodone|fentanyl|ibuprofen|' +
  'acetaminophen|sertraline|citalopram|lorazepam|ondansetron|vancomycin|ceftriaxone|Augmentin|Percocet|Xanax|' +
  'omeprazole|Lasix|gabapentin|levothyroxine|Plavix|morphine|hydrochlorothiazide|atorvastatin|Humira|penicillin'
).split('|');

/** How generic names of drugs end. */
export const drugEndings: readonly string[] = (
  'olol|opril|artan|astatin|azole|amycin|icillin|idine|azepam|oxetine|ipine|afil|inib|umab|ximab|oxacin|prazole|' +
  'iramate|ectomy|itis|osis|emia|opathy|oscopy|algia|uria|icin|one|ide|ine'
).split('|');
