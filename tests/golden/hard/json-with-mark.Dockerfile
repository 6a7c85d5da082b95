FROM a
CMD ﻿["a"]
