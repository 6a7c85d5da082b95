<?php echo "board";
