"""For fuzz_encodings.py: a paragraph of everyday prose in many languages, and the legacy encodings of each language."""

PARAGRAPHS = {
    "Amharic": "ከተማው ውስጥ ያለው አሮጌ ቤተ መጻሕፍት በየቀኑ ከጠዋቱ ሁለት ሰዓት ይከፈታል። ብዙ ተማሪዎች ለፈተና ለመዘጋጀት ወደዚያ ይሄዳሉ። በክረምት ወቅት አዳራሹ "
    "ሞቃት ስለሆነ ሰዎች ረጅም ጊዜ ይቆያሉ።",
    "Arabic": "تفتح المكتبة القديمة في وسط المدينة أبوابها كل يوم عند الساعة الثامنة صباحا. يذهب إليها كثير من "
    "الطلاب للاستعداد للامتحانات، ويجلس كبار السن قرب النافذة لقراءة الصحف. وفي فصل الشتاء تبقى القاعة دافئة حتى "
    "المساء.",
    "Armenian": "Քաղաքի կենտրոնում գտնվող հին գրադարանը բացվում է ամեն օր առավոտյան ժամը ութին։ Շատ ուսանողներ գնում "
    "են այնտեղ՝ քննություններին պատրաստվելու, իսկ տարեցները նստում են պատուհանի մոտ և թերթ են կարդում։",
    "Bengali": "শহরের পুরনো গ্রন্থাগারটি প্রতিদিন সকাল আটটায় খোলে। অনেক ছাত্রছাত্রী পরীক্ষার প্রস্তুতির জন্য সেখানে "
    "যায়, আর বয়স্ক মানুষেরা জানালার পাশে বসে খবরের কাগজ পড়েন। শীতকালে ঘরটি সন্ধ্যা পর্যন্ত গরম থাকে।",
    "Bulgarian": "Старата библиотека в центъра на града отваря всеки ден в осем часа сутринта. Много студенти ходят "
    "там, за да се подготвят за изпити, а възрастните хора седят до прозореца и четат вестници. През зимата залата "
    "остава топла до вечерта.",
    "Burmese": "မြို့လယ်ရှိ စာကြည့်တိုက်ဟောင်းကို နေ့တိုင်း နံနက်ရှစ်နာရီတွင် ဖွင့်သည်။ ကျောင်းသားများသည် စာမေးပွဲအတွက် ပြင်ဆင်ရန် ထိုနေရာသို့ သွားကြသည်။",
    "Chinese": "市中心的老图书馆每天早上八点开门。很多学生去那里准备考试，老人们则坐在窗边看报纸。冬天的时候，大厅一"
    "直到晚上都很暖和，所以人们常常待很长时间。去年这里修好了屋顶，还添了三千多本新书。",
    "Croatian": "Stara knjižnica u središtu grada otvara se svakog dana u osam sati ujutro. Mnogi studenti odlaze "
    "onamo pripremati ispite, a stariji ljudi sjede uz prozor i čitaju novine. Zimi dvorana ostaje topla do večeri, "
    "pa se ljudi dugo zadržavaju; prošle godine obnovljen je krov i kupljeno više od tisuću knjiga za djecu i mladež.",
    "Czech": "Stará knihovna uprostřed města se otevírá každý den v osm hodin ráno. Mnoho studentů sem chodí "
    "připravovat se na zkoušky a starší lidé sedávají u okna a čtou noviny. V zimě zůstává sál teplý až do večera, "
    "takže se tu lidé zdrží dlouho.",
    "Dutch": "De oude bibliotheek in het centrum van de stad gaat elke dag om acht uur open. Veel studenten bereiden "
    "er hun examens voor, en oudere mensen lezen bij het raam de krant. Café en garderobe zijn pas geopend; één keer "
    "per maand leest een schrijver voor aan een paar geïnteresseerde kinderen, en België stuurt ieder jaar zeeën van "
    "tweeëntwintig boeken.",
    "English": "The old library in the center of the town opens every day at eight in the morning. Many students go "
    "there to prepare for exams, and older people sit by the window and read newspapers. In winter the hall stays "
    "warm until the evening.",
    "Estonian": "Linna südames asuv vana raamatukogu avatakse iga päev kell kaheksa hommikul. Paljud üliõpilased "
    "käivad seal eksamiteks õppimas, vanemad inimesed istuvad akna ääres ja loevad ajalehti. Talvel püsib saal "
    "õhtuni soe, nii et lahkuda ei tahaks.",
    "Finnish": "Kaupungin keskustassa sijaitseva vanha kirjasto avataan joka päivä kello kahdeksan aamulla. Monet "
    "opiskelijat käyvät siellä lukemassa tentteihin, ja vanhemmat ihmiset istuvat ikkunan ääressä ja lukevat lehtiä. "
    "Talvella sali pysyy lämpimänä.",
    "French": "La vieille bibliothèque du centre-ville ouvre chaque jour à huit heures du matin. De nombreux "
    "étudiants y préparent leurs examens, et des personnes âgées s’assoient près de la fenêtre pour lire les "
    "journaux. En hiver, la salle reste chauffée jusqu’au soir ; l’été, on s’installe où l’on veut, même dans la "
    "cour derrière l’église.",
    "Georgian": "ქალაქის ცენტრში მდებარე ძველი ბიბლიოთეკა ყოველდღე დილის რვა საათზე იღება. ბევრი სტუდენტი იქ "
    "გამოცდებისთვის ემზადება, ხანდაზმულები კი ფანჯარასთან სხედან და გაზეთებს კითხულობენ. ზამთარში დარბაზი საღამომდე "
    "თბილია.",
    "German": "Die alte Bücherei in der Stadtmitte öffnet täglich um acht Uhr früh. Viele Studenten bereiten sich "
    "dort auf Prüfungen vor, und ältere Menschen sitzen am Fenster und lesen die Zeitung. Im Winter bleibt der große "
    "Saal bis zum Abend warm, weshalb man gern länger bleibt; nächstes Jahr wird das Dach über dem Eingang "
    "ausgebessert.",
    "Greek": "Η παλιά βιβλιοθήκη στο κέντρο της πόλης ανοίγει κάθε μέρα στις οκτώ το πρωί. Πολλοί φοιτητές πηγαίνουν "
    "εκεί για να προετοιμαστούν για τις εξετάσεις, ενώ οι ηλικιωμένοι κάθονται δίπλα στο παράθυρο και διαβάζουν "
    "εφημερίδες. Άλλοι έρχονται μόνο το χειμώνα, γιατί η αίθουσα μένει ζεστή ως το βράδυ.",
    "Hebrew": "הספרייה הישנה במרכז העיר נפתחת בכל יום בשעה שמונה בבוקר. סטודנטים רבים הולכים לשם כדי להתכונן "
    "לבחינות, ואנשים מבוגרים יושבים ליד החלון וקוראים עיתונים. בחורף האולם נשאר חם עד הערב, ולכן אנשים נשארים בו זמן "
    "רב.",
    "Hindi": "शहर के बीच में स्थित पुराना पुस्तकालय हर दिन सुबह आठ बजे खुलता है। बहुत से विद्यार्थी वहाँ परीक्षा की "
    "तैयारी करने जाते हैं, और बुज़ुर्ग लोग खिड़की के पास बैठकर अख़बार पढ़ते हैं। सर्दियों में कमरा शाम तक गर्म रहता "
    "है।",
    "Hungarian": "A belvárosban álló régi könyvtár minden nap reggel nyolckor nyit. Sok diák jár oda a vizsgákra "
    "készülni, az idősebbek pedig az ablaknál ülnek és újságot olvasnak. Télen a nagyterem estig meleg marad, ezért "
    "az emberek hosszú időt töltenek ott; tavaly megjavították a tetőt, és több mint ezer új könyvet vettek.",
    "Icelandic": "Gamla bókasafnið í miðbænum er opnað á hverjum degi klukkan átta að morgni. Margir nemendur fara "
    "þangað til að undirbúa sig fyrir próf og eldra fólk situr við gluggann og les dagblöð. Á veturna er salurinn "
    "hlýr fram á kvöld.",
    "Italian": "La vecchia biblioteca nel centro della città apre ogni giorno alle otto del mattino. Molti studenti "
    "ci vanno perché è tranquilla e più calda di casa, e gli anziani leggono il giornale vicino alla finestra. "
    "L’estate però è così afosa che nessuno resta là fino a sera; l’anno scorso la città comprò libri di ogni "
    "qualità.",
    "Japanese": "町の中心にある古い図書館は、毎朝八時に開きます。多くの学生が試験の準備をするためにそこへ行き、お年寄"
    "りは窓のそばに座って新聞を読んでいます。冬の間、ホールは夕方まで暖かいので、みんな長い時間を過ごします。去年、屋"
    "根の修理が終わりました。",
    "Kannada": "ನಗರದ ಮಧ್ಯದಲ್ಲಿರುವ ಹಳೆಯ ಗ್ರಂಥಾಲಯವು ಪ್ರತಿದಿನ ಬೆಳಿಗ್ಗೆ ಎಂಟು ಗಂಟೆಗೆ ತೆರೆಯುತ್ತದೆ. ಅನೇಕ ವಿದ್ಯಾರ್ಥಿಗಳು ಪರೀಕ್ಷೆಗೆ ಸಿದ್ಧರಾಗಲು ಅಲ್ಲಿಗೆ ಹೋಗುತ್ತಾರೆ.",
    "Khmer": "បណ្ណាល័យចាស់នៅកណ្តាលទីក្រុង បើករាល់ថ្ងៃនៅម៉ោងប្រាំបីព្រឹក។ សិស្សជាច្រើនទៅទីនោះដើម្បីត្រៀមប្រឡង ហើយមនុស្សចាស់អង្គុយក្បែរបង្អួចអានកាសែត។",
    "Korean": "시내 한가운데 있는 오래된 도서관은 매일 아침 여덟 시에 문을 연다. 많은 학생들이 시험 준비를 하러 "
    "그곳에 가고, 어르신들은 창가에 앉아 신문을 읽는다. 겨울에는 저녁까지 실내가 따뜻해서 사람들이 오래 머문다. "
    "작년에는 지붕을 고치고 새 책도 많이 들여왔다.",
    "Lao": "ຫໍສະໝຸດເກົ່າຢູ່ໃຈກາງເມືອງ ເປີດທຸກມື້ໃນເວລາແປດໂມງເຊົ້າ. ນັກສຶກສາຫຼາຍຄົນໄປທີ່ນັ້ນເພື່ອກຽມສອບເສັງ ແລະ ຜູ້ເຖົ້ານັ່ງອ່ານໜັງສືພິມຢູ່ໃກ້ປ່ອງຢ້ຽມ.",
    "Latvian": "Vecā bibliotēka pilsētas centrā tiek atvērta katru dienu pulksten astoņos no rīta. Daudzi studenti "
    "dodas turp gatavoties eksāmeniem, bet vecāki cilvēki sēž pie loga un lasa avīzes. Ziemā zāle paliek silta līdz "
    "vakaram, tāpēc ļaudis kavējas ilgi.",
    "Lithuanian": "Senoji biblioteka miesto centre atidaroma kiekvieną dieną aštuntą valandą ryto. Daugelis studentų "
    "eina ten ruoštis egzaminams, o vyresni žmonės sėdi prie lango ir skaito laikraščius. Žiemą salė lieka šilta iki "
    "vakaro, todėl žmonės užsibūna.",
    "Malayalam": "നഗരമധ്യത്തിലെ പഴയ ഗ്രന്ഥശാല എല്ലാ ദിവസവും രാവിലെ എട്ടുമണിക്ക് തുറക്കും. ധാരാളം വിദ്യാർത്ഥികൾ പരീക്ഷയ്ക്ക് തയ്യാറെടുക്കാൻ അവിടെ പോകുന്നു.",
    "Persian": "کتابخانهٔ قدیمی در مرکز شهر هر روز ساعت هشت صبح باز می‌شود. بسیاری از دانشجویان برای آماده شدن برای "
    "امتحان به آنجا می‌روند و سالمندان کنار پنجره می‌نشینند و روزنامه می‌خوانند. در زمستان سالن تا شب گرم می‌ماند.",
    "Polish": "Stara biblioteka w środku miasta jest otwierana codziennie o ósmej rano. Wielu studentów chodzi tam, "
    "żeby przygotować się do egzaminów, a starsi ludzie siadają przy oknie i czytają gazety. Zimą sala pozostaje "
    "ciepła aż do wieczora, więc ludzie spędzają tam dużo czasu; w zeszłym roku naprawiono dach i kupiono ponad "
    "tysiąc nowych książek.",
    "Portuguese": "A velha biblioteca no centro da cidade abre todos os dias às oito da manhã. Muitos estudantes vão "
    "lá preparar-se para os exames, e as pessoas idosas lêem os jornais junto à janela. No inverno, o salão "
    "permanece aquecido até à noite, e ninguém tem pressa; no verão, porém, há concertos no pátio e as crianças não "
    "querem ir à lição.",
    "Punjabi": "ਸ਼ਹਿਰ ਦੇ ਵਿਚਕਾਰ ਸਥਿਤ ਪੁਰਾਣੀ ਲਾਇਬ੍ਰੇਰੀ ਹਰ ਰੋਜ਼ ਸਵੇਰੇ ਅੱਠ ਵਜੇ ਖੁੱਲ੍ਹਦੀ ਹੈ। ਬਹੁਤ ਸਾਰੇ ਵਿਦਿਆਰਥੀ ਇਮਤਿਹਾਨਾਂ ਦੀ ਤਿਆਰੀ ਲਈ ਉੱਥੇ ਜਾਂਦੇ ਹਨ।",
    "Romanian": "Vechea bibliotecă din centrul oraşului se deschide în fiecare zi la ora opt dimineaţa. Mulţi "
    "studenţi merg acolo ca să se pregătească pentru examene, iar oamenii în vârstă stau lângă fereastră şi citesc "
    "ziare. Iarna, sala rămâne caldă până seara, aşa că lumea întârzie mult; anul trecut au reparat acoperişul şi au "
    "cumpărat cărţi noi.",
    "Russian": "Старая библиотека в центре города открывается каждый день в восемь часов утра. Многие студенты ходят "
    "туда готовиться к экзаменам, а пожилые люди сидят у окна и читают газеты. Зимой в зале тепло до самого вечера, "
    "поэтому никто не спешит домой.",
    "Sinhala": "නගර මධ්‍යයේ පිහිටි පැරණි පුස්තකාලය සෑම දිනකම උදෑසන අටට විවෘත වේ. බොහෝ සිසුන් විභාග සඳහා සූදානම් වීමට එහි යති.",
    "Spanish": "La vieja biblioteca del centro de la ciudad abre todos los días a las ocho de la mañana. Muchos "
    "estudiantes van allí a preparar sus exámenes, y los señores mayores leen el periódico junto a la ventana. "
    "¿Quién querría salir cuando el salón sigue caliente hasta la noche? El año pasado arreglaron el tejado y "
    "llegaron más niños que nunca.",
    "Swedish": "Det gamla biblioteket i stadens centrum öppnar varje dag klockan åtta på morgonen. Många studenter "
    "går dit för att förbereda sig inför tentor, och äldre människor sitter vid fönstret och läser tidningar. På "
    "vintern är salen varm ända till kvällen, så de flesta dröjer sig kvar.",
    "Tamil": "நகரின் நடுவில் உள்ள பழைய நூலகம் ஒவ்வொரு நாளும் காலை எட்டு மணிக்குத் திறக்கப்படுகிறது. பல மாணவர்கள் "
    "தேர்வுக்குத் தயாராக அங்கே செல்கிறார்கள்.",
    "Telugu": "నగరం మధ్యలో ఉన్న పాత గ్రంథాలయం ప్రతిరోజూ ఉదయం ఎనిమిది గంటలకు తెరుచుకుంటుంది. చాలా మంది విద్యార్థులు "
    "పరీక్షలకు సిద్ధం కావడానికి అక్కడికి వెళతారు.",
    "Thai": "ห้องสมุดเก่าแก่ใจกลางเมืองเปิดทุกวันเวลาแปดโมงเช้า นักศึกษาจำนวนมากไปที่นั่นเพื่อเตรียมตัวสอบ ส่วนผู้สูง"
    "อายุนั่งอ่านหนังสือพิมพ์อยู่ข้างหน้าต่าง ในฤดูหนาวห้องโถงจะอบอุ่นจนถึงเย็น ผู้คนจึงอยู่กันนาน",
    "Tibetan": "གྲོང་ཁྱེར་གྱི་དཀྱིལ་དུ་ཡོད་པའི་དཔེ་མཛོད་ཁང་རྙིང་པ་དེ་ཉིན་ལྟར་ཞོགས་པའི་ཆུ་ཚོད་བརྒྱད་པར་སྒོ་འབྱེད་ཀྱི་ཡོད།",
    "Traditional Chinese": "市中心的老圖書館每天早上八點開門。很多學生去那裡準備考試，老人們則坐在窗邊看報紙。冬天的"
    "時候，大廳一直到晚上都很暖和，所以人們常常待很長時間。去年這裡修好了屋頂，還添了三千多本新書。",
    "Turkish": "Şehir merkezindeki eski kütüphane her gün sabah saat sekizde açılır. Birçok öğrenci sınavlara "
    "hazırlanmak için oraya gider, yaşlılar ise pencerenin yanında oturup gazete okur. Kışın salon akşama kadar "
    "sıcak kalır, bu yüzden insanlar uzun süre orada kalır; geçen yıl çatı onarıldı ve bin kadar yeni kitap alındı.",
    "Ukrainian": "Стара бібліотека в центрі міста відчиняється щодня о восьмій годині ранку. Багато студентів ходять "
    "туди готуватися до іспитів, а літні люди сидять біля вікна й читають газети. Взимку в залі тепло аж до вечора, "
    "тож ніхто не поспішає з під’їзду.",
    "Vietnamese": "Thư viện cũ ở trung tâm thành phố mở cửa mỗi ngày lúc tám giờ sáng. Nhiều sinh viên đến đó để "
    "chuẩn bị cho kỳ thi, còn người lớn tuổi thì ngồi bên cửa sổ đọc báo. Vào mùa đông, gian phòng luôn ấm áp cho "
    "đến tối nên mọi người ở lại rất lâu.",
}

LEGACY_ENCODINGS = {
    "Arabic": ("cp1256", "iso8859-6"),
    "Bulgarian": ("cp1251", "koi8-r"),
    "Chinese": ("gb18030", "gbk"),
    "Croatian": ("cp1250", "iso8859-2", "cp852"),
    "Czech": ("cp1250", "iso8859-2", "cp852"),
    "Dutch": ("cp1252",),
    "Estonian": ("cp1257",),
    "Finnish": ("cp1252", "iso8859-1"),
    "French": ("cp1252", "iso8859-15", "cp850", "mac-roman"),
    "German": ("cp1252", "iso8859-1", "cp850"),
    "Greek": ("cp1253", "iso8859-7", "cp737"),
    "Hebrew": ("cp1255", "iso8859-8", "cp862"),
    "Hungarian": ("cp1250", "iso8859-2", "cp852"),
    "Icelandic": ("cp1252",),
    "Italian": ("cp1252",),
    "Japanese": ("shift-jis", "euc-jp", "iso2022-jp"),
    "Korean": ("euc-kr", "cp949", "iso2022-kr"),
    "Latvian": ("cp1257", "iso8859-13"),
    "Lithuanian": ("cp1257", "iso8859-13"),
    "Polish": ("cp1250", "iso8859-2", "cp852"),
    "Portuguese": ("cp1252", "iso8859-1"),
    "Romanian": ("cp1250", "iso8859-2"),
    "Russian": ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic"),
    "Spanish": ("cp1252", "iso8859-1", "cp850"),
    "Swedish": ("cp1252", "iso8859-1"),
    "Thai": ("tis-620", "cp874"),
    "Traditional Chinese": ("big5",),
    "Turkish": ("cp1254", "iso8859-9", "cp857"),
    "Ukrainian": ("cp1251", "koi8-u"),
    "Vietnamese": ("cp1258",),
}
"""Encodings by the names of Python's codecs."""
