<?php class User {}
