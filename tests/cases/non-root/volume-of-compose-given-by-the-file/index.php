<?php
move_uploaded_file($_FILES['note']['tmp_name'], 'uploads/' . basename($_FILES['note']['name']));
