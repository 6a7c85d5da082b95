require('express')().listen(8079);
