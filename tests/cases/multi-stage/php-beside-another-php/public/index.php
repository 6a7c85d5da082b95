<?php echo stem("walking");
