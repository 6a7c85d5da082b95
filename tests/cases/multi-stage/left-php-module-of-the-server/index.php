<?php
echo (new NumberFormatter("da", NumberFormatter::SPELLOUT))->format(12);
