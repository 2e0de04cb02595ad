// The names that columns, keys and labels have in English, Spanish, German, French and Portuguese, as tables.
/** Names of fields, by kind, compared as `normaliseFieldName` writes them. */
export const lexicon = {
  'full-name':
    'fullname patientname ptname patname patient membername subscribername insuredname personname clientname ' +
    'guarantorname contactname nextofkin nextofkinname nombrecompleto nombrepaciente nombreyapellidos paciente ' +
    'patientenname vollername vollstaendigername nomcomplet nomecompleto nomepaciente displayname legalname ' +
    'employeename mothersname fathersname namefull member subscriber responsibleparty nompatient nomprenom ' +
    'nometprenom namevorname nachnamevorname nomemae nomepai nommere emergencycontactname emergencycontact ' +
    'namepatient beneficiaryname insuredsname policyholder policyholdername employeefullname nomeutente ' +
    'nomeprenom',
  'given-name':
    'firstname fname givenname given namefirst forename middlename mname middleinitial middle secondname ' +
    'preferredname vorname prenom primeiro primernombre segundonombre nombres primeironome nomeproprio namegiven ' +
    'pnombre rufname givennames firstnm middlenm prenoms primernom nomproprio',
  'family-name':
    'lastname lname familyname family surname namelast maidenname birthname nachname familienname apellido ' +
    'apellidos primerapellido segundoapellido nomdefamille sobrenome apelido namefamily mothersmaidenname ' +
    'suffixname lastnm surnames lstname lstnm famname geburtsname nomusage nomnaissance nomjeunefille ' +
    'apellidopaterno apellidomaterno ultimonome nomefamilia surnm',
  'bare-name': 'name nombre nom nome names person user customer kunde cliente client nombrecliente username',
  'birth-date':
    'dob birthdate dateofbirth birthday birthdt dtbirth bdate born birth dtofbirth dobdate birthdatetime brthdt ' +
    'birthdte fechanacimiento fechadenacimiento fnac fnacimiento fecnac nacimiento geburtsdatum gebdat gebdatum ' +
    'gebtag geburtstag datedenaissance datenaissance naissance datadenascimento datanascimento datanasc datenaiss ' +
    'nascimento dtnasc deathdate dateofdeath dod deceaseddate dtdeath fechadefuncion sterbedatum bday birthdatedt ' +
    'gebam geborenam nele neele naiss nascidoem fechanac nacidoel fdn ddn dtnascimento nasc dobmmddyyyy ' +
    'dateofbirthdate bornon bornat borndate',
  'care-date':
    'admitdate admissiondate admitted admitdt dischargedate discharged dischargedt visitdate visitdt ' +
    'dateofservice dos servicedate encounterdate appointmentdate proceduredate surgerydate collectiondate ' +
    'lastvisit nextappointment fechaingreso fechaalta fechaegreso fechavisita aufnahmedatum entlassungsdatum ' +
    'behandlungsdatum dateadmission dataadmissao dataalta fromdate thrudate admissiondt fechaentrada fechasalida ' +
    'fechacirugia entlassdatum entlassung aufnahme operationsdatum dateentree datedentree datesortie ' +
    'dateconsultation dateintervention dataentrada datasaida datainternacao datainternamento dataconsulta ' +
    'diagnosisdate',
  ssn:
    'ssn socialsecuritynumber socialsecurity socialsecurityno socsec socsecno ssno ssnum ssnumber socialsecnum ' +
    'ssa taxid itin tin last4ssn patssn',
  'national-id':
    'nationalid nationalidentifier nhsnumber nhsno nin nino nationalinsurancenumber sin nss numsegsocial ' +
    'numeroseguridadsocial seguridadsocial segsocial nass naf dni nie nif curp cpf rg cedula ' +
    'sozialversicherungsnummer svnr svnummer rvnr versnr numsecu numerosecuritesociale nir aadhaar personnummer ' +
    'niss nuss numseguridadsocial securitesociale securitesocialenumber seguridadsocialnumber numsecuritesociale ' +
    'secu nirpp nifnie tituloeleitor rfc personalausweis personalausweisnummer ausweisnummer ausweisnr steuerid ' +
    'steueridentifikationsnummer codicefiscale bsn pesel citizencard cartaocidadao idcard idnumber identitynumber ' +
    'identitycard cedulaidentidad numeroidentificacion rentenversicherung rentenversicherungsnummer ' +
    'rentenversicherungsnr sozialversicherung sinnumber',
  mrn:
    'mrn medicalrecordnumber medicalrecordno medrecno medrecnum medrecnumber medicalrecord patientid patid ptid ' +
    'patientno patientnumber patientnum chartno chartnumber chartnum chart hospitalno hospitalnumber hospitalid ' +
    'recordnumber unitno unitnumber mrno ehrid emrid epicid enterpriseid empi numhistoria nhc numerohistoria ' +
    'expediente fallnummer patientennummer patientennr patnr fallnr aktennummer krankenaktennummer numdossier ipp ' +
    'prontuario numeroprontuario patientmrn pid subjectid patientenid dossierpatient numerodossier nodossier ' +
    'historiaclinica numerohistoriaclinica utente numeroutente utentenumber historianumber dossiernumber mrnumber ' +
    'npatient npaciente npacient processoclinico expedienteclinico krankenakte aktenzeichen hospitalnum medrec mrnum patientidentifier ' +
    'patientuid externalpatientid studyid participantid identifiervalue',
  'health-plan':
    'kvnummer memberid membernumber membernum subscriberid subscriberno subscribernumber insuranceid insuranceno ' +
    'insurancenumber insurancepolicy insurancepolicynumber policyno policynumber policynum policyid healthplanid ' +
    'healthplannumber planmemberid beneficiaryid beneficiarynumber mbi medicareid medicareno medicarenumber ' +
    'medicaid medicaidid medicaidno medicaidnumber hicn hic groupnumber insuredid payerid hmoid numpoliza poliza ' +
    'tarjetasanitaria cip versichertennummer versicherungsnummer kvnr krankenversichertennummer ' +
    'krankenkassennummer numassure carteirinha healthcardnumber ohip dossier medicarehic insurancemember ' +
    'insurancemembernumber numeropoliza krankenversicherung krankenversicherungsnummer versicherten versicherter ' +
    'cartevitale mutuelle adherent numeroadherent numadherent adherentnumber cartaosus cartaosusnumber sus cns ' +
    'cartaonacionalsaude numbeneficiario seguromedico poliz apolice primaryinsuranceid secondaryinsuranceid ' +
    'planid rxbin rxgroup healthcard conveniomedico memberno',
  account:
    'accountno accountnumber acct acctno acctnum acctnumber accountnum bankaccount bankaccountnumber ' +
    'guarantoraccount billingaccount patientaccount patientaccountnumber financialaccount iban kontonummer konto ' +
    'ktonr cuenta numerocuenta numcuenta cuentabancaria compte numerocompte conta numeroconta creditcard ' +
    'creditcardnumber cardnumber ccnumber ccnum cardno encounternumber visitnumber csn routingnumber cuentabanco ' +
    'contabancaria bankkonto comptebancaire clabe banknumber bankacct cardnum',
  license:
    'drivers driverslicense driverslicence driverlicense driverlicence dlnumber dlno dl dlnum licensenumber licenseno ' +
    'licencenumber licenseplateno carnetconducir licenciaconducir fuehrerschein fuehrerscheinnummer ' +
    'permisconduire cnh deanumber npi npinumber certificatenumber statelicense permisconduite permisoconducir ' +
    'permisodeconducir fuehrerscheinnr fuhrerscheinnr fuhrerscheinnummer fuhrerschein cartaconducao ' +
    'cartaoconducao licenciaconduccion dea medicallicense rpps deano',
  phone:
    'phone phonenumber phoneno telephone telephonenumber tel telno mobile mobilephone mobileno mobilenumber cell ' +
    'cellphone cellno cellnumber homephone workphone dayphone eveningphone contactnumber contactphone contactno ' +
    'ph phonehome phonework phonemobile phone1 phone2 primaryphone telefono movil celular telefon telefonnummer ' +
    'handy handynummer mobilnummer rufnummer telefone telemovel numtelephone portable nextofkinphone telmovil ' +
    'mobiltelefon telportable telfixe telprivat teldomicilio contato telefonecelular fone telf tlf numerotelefono ' +
    'handynr privattelefon festnetz emergencycontactphone emergencyphone patientphone telefonofijo telecomvalue',
  fax: 'fax faxno faxnumber faxnum telefax telefaxnummer faxnummer numfax homefax',
  email:
    'email emailaddress emailaddr emailid mail mailaddress mailadresse contactemail personalemail homeemail ' +
    'workemail correo correoelectronico correioeletronico correioelectronico emailadresse courriel adressemail ' +
    'useremail patientemail e-mail',
  street:
    'street streetaddress street1 street2 streetline address address1 address2 addr1 addr2 addressline ' +
    'addressline1 addressline2 addrline1 addrline2 homeaddress homeaddr mailingaddress residence ' +
    'residentialaddress streetname direccion domicilio calle direccionpostal strasse str anschrift adresse ' +
    'wohnadresse hausnummer rue endereco morada logradouro currentaddress permanentaddress line1 line2 ' +
    'strassehausnummer strassehausnr strasseundhausnummer strassenr voie rua adressepostale ruanumero bairro ' +
    'colonia domicilioparticular wohnhaft anschriftstrasse numerorue adresseligne1 street3 direccionparticular ' +
    'complemento addr',
  city:
    'city town locality municipality ciudad poblacion localidad municipio ort stadt wohnort ville commune cidade ' +
    'county birthplace placeofbirth',
  zip:
    'zip zipcode postalcode postcode postal zip5 zip4 zip3 zipprefix zipplus4 codigopostal codpostal plz postleitzahl codepostal ' +
    'cep postalzip postalc cpostal zipcd codepost cp',
  ip:
    'ipaddress clientip userip patientip remoteip ip sourceip clientipaddress loginip lastip direccionip ipaddr ' +
    'adresseip',
  vehicle:
    'licenseplate plate platenumber vin vehicleid vehiclenumber kennzeichen matricula kfzkennzeichen kfz ' +
    'kennzeichennr immatriculation numimmatriculation placa placaveiculo placavehiculo matriculavehiculo ' +
    'fahrgestellnummer vehicleregistration numberplate',
  device:
    'deviceserial deviceserialnumber implantserial pacemakerserial udi deviceid serialnumber macaddress mac imei ' +
    'deviceimei deviceserialno pacemakerid implantid seriennummer numeroserie serialno serialnum',
  clinical:
    'diagnosis diagnoses dx dxcode icd10 icd9 icd icdcode icd10code a1c hba1c ward medication medications ' +
    'allergies allergy bloodtype bloodpressure chiefcomplaint procedure cpt cptcode condition conditions symptoms ' +
    'attendingphysician physician pcp diagnostico medicamento alergias diagnose medikation station allergien ' +
    'diagnostic prescription rx labresult treatment immunization encounterid primarydiagnosis admissiontype ' +
    'insurance insuranceprovider attending medecintraitant hausarzt medico medicotratante arzt behandelnderarzt ' +
    'diagnostique cid10 cie10 cim10 krankenkasse motivoconsulta motif traitement tratamiento tratamento ' +
    'behandlung alergia befund anamnese',
  passport:
    'passport passportnumber passportno passportid pasaporte numeropasaporte reisepass reisepassnummer passeport ' +
    'numeropasseport passaporte numeropassaporte',
  photo:
    'photo patientphoto photograph portrait faceimage headshot foto fotografia passfoto lichtbild avatarphoto',
  biometric:
    'fingerprint fingerprinttemplate biometric biometricid biometrictemplate voiceprint retinascan irisscan ' +
    'iriscode faceembedding facetemplate huelladactilar huella fingerabdruck empreinte empreintedigitale ' +
    'impressaodigital',
  url: 'patientportal portalurl personalwebsite homepage website personalurl profileurl',
  age: 'age patientage ageyears ageatvisit edad alter lebensalter idade',
} as const;

/** Words that stand for others in names of fields. */
export const abbreviations: Readonly<Record<string, string>> = {
  nm: 'name',
  dt: 'date',
  addr: 'address',
  adr: 'address',
  mbr: 'member',
  ins: 'insurance',
  pol: 'policy',
  med: 'medical',
  rec: 'record',
  tfno: 'telefono',
  no: 'number',
  nr: 'number',
  num: 'number',
  nbr: 'number',
  n: 'number',
  numero: 'number',
  nummer: 'number',
};

/** Words that say nothing about what a field holds. */
export const fillers: ReadonlySet<string> = new Set(
  (
    'of the a an de la le les l d du des del do da dos das el los las der die das des und et y e id home work personal ' +
    'current patient patients pt pat paciente primary secondary test sample demo mock'
  ).split(' '),
);

/** What may follow a name without changing what it says. */
export const endings: readonly string[] =
  's 1 2 value text str num no number nr id of patient encrypted'.split(' ');
