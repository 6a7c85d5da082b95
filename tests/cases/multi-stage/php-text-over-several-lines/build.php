<?php echo "<h1>Menu</h1>";
