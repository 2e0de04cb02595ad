// Sentences to train the tagger of prose on, written for this purpose. A slot in braces is filled by values.ts; what it
// stands for decides the tags. `{w}` is any English word, so that the model does not learn the sentences by heart.

/** Letters, requests and talk about persons. */
const talk = `
My name is {name}.
My name is {name} and I would like to {w} my {w}.
Hi, this is {name} from {org}.
Hello {given}, thanks for your message about the {w}.
Hey {given}! Are you coming {w}?
Dear {title} {family}, we received your {w} on {date}.
Dear {name}, your {w} is ready.
Good morning {given}, did {given} {w} the {w}?
I spoke with {name} about the {w} yesterday.
{given} told {given} that the {w} was {w}.
{name} said: "The {w} is {w}."
{given}: "Where is {given}?"
{given}: I am {given}'s brother.
You can call me {given}.
Everybody calls her {given}, but her real name is {name}.
Friends know him as {given}.
Her mother's maiden name was {family}.
She was born {family} but took the name {family} in {year}.
{name} was born on {date} in {city}.
{name}, born {date}, lives in {city}, {country}.
{given} is a {w} person and they {w} very well.
{given} is so {w}, I can always count on him.
{given} and {given} are getting married in {city}!
Have you met {name}? She works for {org}.
Have you ever heard {name} sing?
I saw the {family} show in {city} last year.
The {family} family moved from {city} to {city}.
Please book a table for {name}.
Please add {name} to my account as a {w}.
I would like to remove {name} from the {w}.
The account is registered to {name}.
It should be under the name of {name} or {name}.
Whose name is on the card? {name}.
Q: Who is calling? A: {name}
Agent: What is your name? Customer: {name}
Support: how can I help? Caller: I am {name}, my number is {phone}.
I need to change the name on my {w} from {name} to {name}.
My last name is spelled {family}, not {family}.
Could you fix my surname? It is {family}.
Could you send {title} {name} the {w}?
{title} {name} will see you at {time}.
{title} {family} is a {num} year old {w} who grew up in {city}.
See {title} {family} in {num} weeks.
Schedule a call with {name} next {day}.
We are meeting {name} on {day} at {org}, {addr}.
We had {num} guests: {given}, {given}, {given} and {given}.
There were three of them: {family}, {family} and {family}.
The company was started by {name} and {name} in {year}.
{org} was founded by {family}, {family} and {family}.
{org} is led by {name}, who {w} the {w}.
The film by {name} stars {name} and {name}.
This is a {year} {w} film directed by {name}.
The song by {name} was a {w} for {family}.
{name} covered the song in {year} and {w} it.
A {w} {w} by {name}, who {w}.
Guitarist {name} explained to {org}: "we {w} it".
As {name} pointed out, the {w} is {w}.
{name}'s {w} is better than {name}'s.
That is {given}'s {w}, not {given}'s.
Is this really {given}?
{given} shouted: "Stop!"
Tell {given} I said {w}.
Don't forget {given}!
Say hello to {given} for me.
Best regards,\\n{name}
Thanks,\\n{given}
Sincerely,\\n{name}\\n{org}\\n{phone}
{name}\\n{job}\\n{org}
{name}\\n{org}\\n{addr}\\n{phone} office\\n{phone} fax
From: {name}\\nTo: {name}\\nSubject: {w} {w}
Name: {name}\\nPhone: {phone}\\nDate: {date}
Name: {name}\\nAddress: {addr}\\nPhone: {phone}
{name}\\n{addr}
> {name}\\n> {org}\\n> {addr}
- {name}\\n- {org}\\n- {addr}
{name}, {addr}
{name} ({org}) will attend.
{given} has been to {country} and {country}.
{given} from {city} is my best friend.
President {family} visited {country}.
Queen {given} came to {city} from {country}.
Officer {family} stopped the car on {street}.
Professor {family} teaches {w} in {city}.
The {family} report is {w}.
The {w} of {name} surprised {given}.
One of the {w} {w} is {name}; the other is {given}.
If {given} {w}, then {given} will {w}.
In {year}, {name} {w} the {w}.
Why is {given} so {w}?
Who is {name}?
I love {given}.
Please give {given} my email address {email}.
My partner {name} also uses this {w}.
I am calling for my daughter {given}, born {date}.
Reported by {name}, reviewed by {name}.
Contact: {name}, {phone}, {email}
Emergency contact: {name} (sister) {phone}
{family}, {given}
{family}, {given} - {phone}
{name} is from {org}.
{given} is with {org} now.
{name} listed the {w} {num} of {year}.
Band {w} {family} made the {w} in {year}.
{name}'s {W} {W} is a {w} for {family}.
> {given}\n> {org}\n> {phone}
* {name}\n* {org}\n* {addr}
{title} {name}\n{org}\n{addr}
{title} {name}\n{addr}\n{phone}-office, {phone}-fax
| {name}\n| {addr}
Bot: {w} {w}? User: {name}
Bot: what is the {w}? User: {given} {w}
What was your name again? {name}
Answer: "{W} {W}" by {name}
{given} and {given} {w} the {w} in {W}.
I {w} {given} for {w} years.
{given}, {given} and {given} are not {w}.
Regular {w} {name} {w} that it is {w}.
I think {name} wrote "{W} {W}".
{given} named the dog {given}.
Under {name}, please.
Some people mistake words like {W} and {W} for names.
A song called {W} {W} was written by {name}.
{given} {w} at {given}: "{w} {w}!"
I am {given}, nice to meet you.
It's {given}.
this is {given} speaking
she asked {given} about {given}
`;

/** Where people and companies are. */
const places = `
I live at {addr}.
My address is {addr}.
My new address is {addr}, please update it.
The office of {org} is located at {addr}.
{org}, {addr}
Please ship the {w} to {addr}.
Send a taxi to {addr}, please.
Deliver it to {addr} before {time}.
We moved from {addr} to {addr} in {year}.
Here is {name}'s address:\\n\\n{addr}
{given} gave {given} the address: {addr}.
{name} lives at {addr}.
She used to live at {street} in {city}.
He was seen near {street} and {street}.
Meet me at the corner of {street} and {street}.
We meet on {day} at {org}, {addr}.
The bill goes to {addr}.
Change the billing address of the card {card} to {addr}.
Two addresses, please: {addr}, and {addr}
Their home town is {city}.
I come from {city}.
I am from {country}.
They came over from {country} last {day}.
We flew from {city} to {city} via {city}.
There is a {w} shop in {city}.
Where: {city} Country Club\nWhen: {date}
Where: {city} {W}\nWhen: {date} {time}
{org} moved to {addr} the following year.
{org} is in {city}, {org} in {country}.
The address of {org} is {addr}.
The city {city}: {org} {w} there.
The office of {org} is at {addr}.
{given} arrived at {city} from {country} this {w}.
Do you know {org}? It's in {addr}, and they {w} {w}.
{city} {W} Club
It was {w} from {state} to {state} and {country}.
There is a restaurant at {street}, {city}.
It is in {addr}.
I am on {street} next to the {w}.
I am in {city}, at the station.
In {country} people {w} a lot.
{country} was {w} this year.
Is anyone going to {country} with me?
{city} is the home of {org}.
The letter reached {addr} on {day}.
The name of the song refers to {street} in {city}.
Lots of {w} happened on {street}.
What is the weather in {city}?
What is your zip code? {zip}
The postal code is {zip}.
Where: {city} Town Hall\\nWhen: {date}
{addr}
{addr}\\n{phone}
{city}, {state}
{city} {state} {zip}
This {w} from {city} is {w}.
{given} moved to {city}, {state} in {year}.
The hospital in {city} called.
`;

/** What is written about patients. */
const clinical = `
Prescribed {drug} {num} mg twice daily for {dx} on {date}.
Medications: {drug}, {drug}, {drug} and {drug}.
{dx} treated with {drug} and {drug}.
She is taking {drug} and {drug}; {drug} was stopped.
He presented with {dx} and {dx}, and was given {drug}.
Past medical history: {dx}, {dx}, {dx}.
Past surgical history: {w} {w}.
Physical exam: {w}, {w}, no {w}. Lungs clear. Heart regular.
Labs: sodium {num}, potassium {num}, WBC {num}, Hgb {num}.
{name} is a {num}-year-old {w} who presented with {dx}.
{name} is a {num} year old {w} with {dx} who was seen on {date}.
{name}, {num}F, has {dx}; started {drug}.
Patient {name} is a {num} year old {w} with {dx}.
Pt {family} seen in clinic on {date} for {dx}.
{title} {family} was admitted on {date} with {dx}.
{name} (MRN {num}) was discharged to home on {date}.
Patient Name: {name}\\nDOB: {date}\\nMRN: {num}\\nPhysician: Dr. {name}
Patient: {family}, {given}\\nDate of Birth: {date}
PATIENT NAME: {name}\\nADMISSION DATE: {date}
The patient's wife, {given}, reports {dx}.
His daughter {given} can be reached at {phone}.
Her son {name} lives with her in {city}.
Mother {name} is healthy; father {given} had {dx}.
Referred by Dr. {family} of {org}.
Thank you for referring {name} to our clinic in {city}.
{title} {family} denies chest pain and {w}.
{given} was started on {drug} for {dx}.
Discussed the results with {given} and her husband {given}.
Follow up with Dr. {name} in {num} weeks.
Follow-up with {title} {family} at {org} on {date}.
Dictated by: {name}, MD
Electronically signed by {name}, MD on {date}
cc: Dr. {name}, {org}
Attending: {name}, MD
Assessed by {name}, RN.
Spoke to {name} (daughter) by phone at {phone}.
{name} was transferred from {org} in {city} on {date}.
The patient lives at {addr} with his wife {given}.
Home address: {addr}
Chief complaint: {dx}.
History of present illness: {given} is a {num} y.o. {w} who presents with {dx}.
Mr {family} has a history of {dx} and takes {drug}.
Ms. {family} is allergic to {drug}.
Next of kin: {name}, {phone}
The patient was seen by {family} on rounds.
Case discussed with Dr. {family}, who agrees with {drug}.
Subjective: {given} reports that the {w} is better since {drug}.
`;

/** Sentences that name nobody. */
const nobody = `
I have lost my card {card}.
How do I {w} the limit of my credit card?
Could you {w} the {w} for me?
Is it possible to {w} my {w} online?
When will my {w} arrive?
My number is {phone}.
Call {phone} or write to {email}.
You can reach us at {phone}.
My social security number is {ssn}.
Her driver's license number is {num}.
Look at this: {url}
My website is {url}
The server at {ip} is {w}.
I cannot open the site from {ip}.
My IBAN is {iban}.
It has been {w} since {date}.
The meeting is on {date}.
Your order {num} was {w} on {date}.
I want a refund {U}.
Send it {U}, {w} {U} center.
The {U} {w} on {day}.
An {w} of {w} was {w}, and this {w} was {w}.
Can I {w} the {w} of my {w}? Will it {w}?
Walk to the {w} and {w} it.
We'll {w} it, you'll {w} it and they'll {w} it.
C'mon, that's {w}!
Isn't it {w}? Don't {w}.
{W}, {W} and {W} {w} the {w} {w}.
Bot: How can I {w}?
User: I {w} the {w}.
Agent: {W} {w}, please.
The name of the {w} is {W} {W}.
The {W} of {W} is a {w} about a {w} {w}.
Did you {w} "{W} {W}"? {W} is {w}.
{org} {w} {w} in the {w}, then {org} {w}.
The band {W} plays in {w} clubs.
{W} is a {year} {w} {w} {w}.
My {w} expired. What are the {w}?
How {w} is the {w}, and {w} the {w} {w}?
In a world of {w}, {w} is {w}.
{w} {w}? {W} {w}!
I have {num} {w} and {num} {w}.
If you {w} the {w}, you {w} the {w}.
{W} and {w}: the {w} of {w}
They have {w}, {w} and {w} {w} here.
Because the {w} was {w}, we {w} the {w}.
Even so, it {w} the {w} as {w}.
Please {w} the {w} on my {w} {w}.
Has anyone {w} this {w} before?
During the {w}, {w} {w} in {w} {w}.
Which {w} is {w}? Which is not?
WHAT IS GOING ON HERE?
PLEASE STOP SENDING {W} TO ME!!!
No {w}, no {w}.
The {w} {w} the {w} of {w}.
A {w} {w} is {w}.
{W} and {W} are {w}.
The {W} {W} is closed on {day}.
{W} {w} {w} {w}.
In the {year}s, {org} {w} the {w} of {w}.
{org} is hiring {w} {w}.
{org} announced a {w} {w} on {day}.
{org} and {org} agreed to {w} the {w}.
It was a {w} {w}, and the {w} {w} was {w}.
We {w} all of the {w} with {w}.
Chest pain, shortness of breath and {dx}.
BP {num}/{num}, pulse {num}, temperature {num}.
Continue {drug} {num} mg daily.
Assessment and plan: {dx}, start {drug}.
No known drug allergies.
The {w} of this {w} is {num}.
Three, two, one, {w}!
This is a {w} example of a {w} {w}.
There is no {w} like {w}.
What do you {w} about {w}?
Should I {w} or {w}?
They're {w} today.
Who wants to {w} with me?
Just {w} a {w}
Thank you very much for the {w}.
Monday, Tuesday and Friday are {w}.
{num}. {W} the {w} and {w} the {w}.
Chapter {num}: The {W} {W} of {W}
* {w} {w} {w}
A {w} tribute to the {w}.
The {w} is the brain of the {w}.
It would be {w} to {w} that it {w} the {w} place on the {w}.
`;

const lines = (text: string): readonly string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.replaceAll('\\n', '\n'));

/** Groups of templates and how often each is drawn. */
export const templates: readonly (readonly [readonly string[], number])[] = [
  [lines(talk), 0.4],
  [lines(places), 0.22],
  [lines(clinical), 0.13],
  [lines(nobody), 0.25],
];
