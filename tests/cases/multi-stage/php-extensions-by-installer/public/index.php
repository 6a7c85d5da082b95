<?php echo gd_info()["GD Version"];
