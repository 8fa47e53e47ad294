; Files: a FAT16 volume, for reading. Microsoft, "FAT: General Overview of On-Disk Format", 1.03.
;
; The boot sector says how large everything is; what follows it lies in a row: reserved sectors, the file allocation tables, the root directory, the
; clusters, of which the first one is number 2. boot.asm and image.asm show the same from the writer's side.

; fat_mount: looks for a disk with a FAT16 partition.
fat_mount:
    pushad
    mov ebx, drives
.drive:
    cmp dword [ebx + Ide.kind], IDE_DISK
    jne .next
    mov [disk], ebx
    xor eax, eax
    mov ecx, 1
    call disk_read
    jc .next
    cmp word [DISK_BUFFER + 510], 0xAA55
    jne .next
    mov esi, DISK_BUFFER + 446          ; the partition table
    mov ecx, 4
.partition:
    mov al, [esi + 4]
    cmp al, 0x04
    je .found
    cmp al, 0x06
    je .found
    cmp al, 0x0E
    je .found
    add esi, 16
    loop .partition
.next:
    add ebx, Ide_size
    cmp ebx, drives + 4 * Ide_size
    jb .drive
    jmp .end
.found:
    mov eax, [esi + 8]
    mov ebx, eax
    mov ecx, 1
    call disk_read
    jc .end
    cmp word [DISK_BUFFER + 11], 512
    jne .end
    movzx eax, byte [DISK_BUFFER + 13]
    test eax, eax
    jz .end
    mov [fat_cluster_sectors], eax
    movzx eax, word [DISK_BUFFER + 14]
    add eax, ebx
    mov [fat_start], eax
    movzx ecx, byte [DISK_BUFFER + 16]
    movzx edx, word [DISK_BUFFER + 22]
    imul ecx, edx
    add eax, ecx
    mov [fat_root], eax
    movzx ecx, word [DISK_BUFFER + 17]
    mov [fat_root_entries], ecx
    shr ecx, 4
    add eax, ecx
    mov [fat_data], eax
    mov byte [fat_is_mounted], 1
.end:
    mov dword [fat_cached], -1
    popad
    ret

; fat_next: EAX = cluster. Returns EAX = the next one of its file. Carry set: there is none.
fat_next:
    push ebx
    push ecx
    push esi
    push edi
    mov ebx, eax
    shr eax, 8                          ; 256 entries a sector
    cmp eax, [fat_cached]
    je .cached
    mov [fat_cached], eax
    add eax, [fat_start]
    mov ecx, 1
    call disk_read
    jc .bad
    mov esi, DISK_BUFFER
    mov edi, fat_sector
    mov ecx, 512 / 4
    rep movsd
.cached:
    movzx ebx, bl
    movzx eax, word [fat_sector + ebx * 2]
    cmp eax, 2
    jb .bad
    cmp eax, 0xFFF7                     ; FFF7h is a bad cluster, FFF8h and up is the end
    cmc
    jnc .done
.bad:
    mov dword [fat_cached], -1
    stc
.done:
    pop edi
    pop esi
    pop ecx
    pop ebx
    ret

; fat_read_cluster: EAX = cluster, which goes to DISK_BUFFER. Returns ECX = bytes. Carry set: it failed.
fat_read_cluster:
    push eax
    sub eax, 2
    mov ecx, [fat_cluster_sectors]
    imul eax, ecx
    add eax, [fat_data]
    call disk_read
    pop eax
    pushfd
    shl ecx, 9
    popfd
    ret

; fat_each: calls EDI for every entry of the root directory, with ESI = the entry; it must keep EBX, ECX, EDI, and may end the search by setting the
; carry flag. Carry set: it did. A drive that fails counts as an empty directory.
fat_each:
    cmp byte [fat_is_mounted], 0
    je .nothing
    push eax
    push ebx
    push ecx
    push edx
    mov ebx, [fat_root]
    mov ecx, [fat_root_entries]
.sector:
    push ecx
    mov eax, ebx
    mov ecx, 1
    call disk_read
    pop ecx
    jc .end
    mov esi, DISK_BUFFER
.entry:
    cmp byte [esi], 0                   ; nothing behind this one
    je .end
    cmp byte [esi], 0xE5                ; a deleted one
    je .next
    test byte [esi + 11], 0x08          ; the volume's name, or part of a long name
    jnz .next
    push ebp
    call edi
    pop ebp
    jc .stopped
.next:
    add esi, 32
    dec ecx
    jz .end
    cmp esi, DISK_BUFFER + 512
    jb .entry
    inc ebx
    jmp .sector
.stopped:
    pop edx
    pop ecx
    pop ebx
    pop eax
    stc
    ret
.end:
    pop edx
    pop ecx
    pop ebx
    pop eax
.nothing:
    clc
    ret

; fat_find: ESI = name as typed ("readme.txt"), up to a blank or 0. Returns EAX = first cluster, ECX = bytes. Carry set: there is no such file.
fat_find:
    push esi
    push edi
    mov edi, fat_name
    mov ecx, 11
    mov al, ' '
    rep stosb
    mov edi, fat_name
.character:
    lodsb
    cmp al, ' '
    jbe .named
    cmp al, '.'
    je .extension
    cmp al, 'a'
    jb .put
    cmp al, 'z'
    ja .put
    and al, 0xDF
.put:
    cmp edi, fat_name + 11
    jae .bad
    stosb
    jmp .character
.extension:
    mov edi, fat_name + 8
    jmp .character
.named:
    mov edi, .compare
    call fat_each
    cmc
    jc .done                            ; nobody has stopped it
    mov eax, [fat_found]
    mov ecx, [fat_size]
.done:
    pop edi
    pop esi
    ret
.bad:
    stc
    jmp .done

.compare:
    push esi
    push edi
    push ecx
    mov edi, fat_name
    mov ecx, 11
    repe cmpsb
    pop ecx
    pop edi
    pop esi
    jne .other
    movzx eax, word [esi + 26]
    mov [fat_found], eax
    mov eax, [esi + 28]
    mov [fat_size], eax
    stc
    ret
.other:
    clc
    ret

; dir_print: what "dir" shows.
dir_print:
    pushad
    cmp byte [fat_is_mounted], 0
    jne .mounted
    PRINT "There is no FAT16 volume on a hard disk", 10
    jmp .end
.mounted:
    mov dword [dir_files], 0
    mov dword [dir_bytes], 0
    mov edi, dir_line
    call fat_each
    mov eax, [dir_files]
    mov ecx, 4
    call print_decimal_in
    PRINT " files, "
    mov eax, [dir_bytes]
    call print_decimal
    PRINT " bytes", 10
.end:
    popad
    ret

; dir_line: ESI = directory entry, which it prints. Leaves the carry flag clear, as fat_each wants it.
dir_line:
    pushad
    PRINT "  "
    mov ecx, 8
    call print_text
    PRINT " "
    push esi
    add esi, 8
    mov ecx, 3
    call print_text
    pop esi
    mov eax, [esi + 28]
    add [dir_bytes], eax
    inc dword [dir_files]
    mov ecx, 9
    call print_decimal_in
    PRINT "  "
    movzx ebx, word [esi + 24]          ; year since 1980, month, day: 7, 4, 5 bits
    mov eax, ebx
    shr eax, 9
    add eax, 1980
    call print_decimal
    mov al, '-'
    call console_put
    mov eax, ebx
    shr eax, 5
    and eax, 15
    call print_decimal_2
    mov al, '-'
    call console_put
    mov eax, ebx
    and eax, 31
    call print_decimal_2
    call new_line
    popad
    clc
    ret

; type_file: ESI = name: prints the file.
type_file:
    pushad
    call fat_find
    jc no_such_file
    mov ebx, ecx                        ; bytes left
.cluster:
    test ebx, ebx
    jz .end
    call fat_read_cluster
    jc .failed
    cmp ecx, ebx
    jbe .part
    mov ecx, ebx
.part:
    sub ebx, ecx
    mov esi, DISK_BUFFER
.character:
    mov dl, [esi]
    inc esi
    cmp dl, 10
    je .put
    cmp dl, 9
    je .tab
    cmp dl, ' '
    jb .skip                            ; no other control characters
.put:
    xchg al, dl
    call console_put
    xchg al, dl
.skip:
    loop .character
    call fat_next
    jnc .cluster
.end:
    popad
    ret
.tab:
    mov dl, ' '
    jmp .put
.failed:
    PRINT 4, "The disk cannot be read", 1, 10
    popad
    ret
no_such_file:
    PRINT "There is no such file; 'dir' lists them", 10
    popad
    ret

; run_file: ESI = name: loads a program, starts it, and waits for its end unless a "&" follows the name.
PROGRAM_MAXIMUM equ 0x10000
run_file:
    pushad
    call tasks_clean
    mov [run_name], esi
    call fat_find
    jc no_such_file
    cmp ecx, PROGRAM_MAXIMUM
    ja .too_large
    mov ebp, ecx
    mov [run_cluster], eax
    call directory_create
    jc .no_memory
    mov ebx, eax
    mov edx, USER_START
.cluster:                               ; EBX = directory, EDX = address, EBP = bytes left
    test ebp, ebp
    jle .loaded
    mov eax, [run_cluster]
    call fat_read_cluster
    jc .unreadable
    mov esi, DISK_BUFFER
.page:
    call frame_alloc
    jc .free
    mov edi, eax
    push ecx
    mov ecx, PAGE / 4
    rep movsd
    pop ecx
    or eax, PAGE_PRESENT | PAGE_WRITE | PAGE_USER
    call map_page
    jc .free
    add edx, PAGE
    sub ebp, PAGE
    sub ecx, PAGE
    ja .page
    mov eax, [run_cluster]
    call fat_next
    mov [run_cluster], eax
    jnc .cluster
.loaded:
    call frame_alloc                    ; the stack
    jc .free
    or eax, PAGE_PRESENT | PAGE_WRITE | PAGE_USER
    mov edx, USER_STACK_TOP - PAGE
    call map_page
    jc .free
    mov esi, [run_name]                 ; the name ends at a blank
    mov edi, run_label
    mov ecx, 15
.name:
    lodsb
    cmp al, ' '
    jbe .named
    stosb
    loop .name
.named:
    mov byte [edi], 0
    cmp al, ' '
    jne .wait
    cmp byte [esi], '&'
    sete [run_in_background]
    jmp .start
.wait:
    mov byte [run_in_background], 0
.start:
    mov eax, ebx
    mov esi, run_label
    call task_create_user
    jc .free
    cmp byte [run_in_background], 0
    jne .end
.running:
    cmp dword [edi + Task.state], TASK_ENDED
    je .ended
    mov eax, 1
    call task_sleep
    jmp .running
.ended:
    mov eax, [edi + Task.exit_code]
    mov [run_exit], eax
    call task_reap
.end:
    popad
    ret
.unreadable:
    mov eax, ebx
    call directory_free
    PRINT 4, "The disk cannot be read", 1, 10
    popad
    ret
.free:
    mov eax, ebx
    call directory_free
.no_memory:
    PRINT 4, "There is no room for another program", 1, 10
    popad
    ret
.too_large:
    PRINT "This is too large for a program", 10
    popad
    ret

; tasks_clean: gives back the memory of programs in the background that have ended.
tasks_clean:
    push edi
    mov edi, tasks
.next:
    cmp dword [edi + Task.state], TASK_ENDED
    jne .other
    call task_reap
.other:
    add edi, Task_size
    cmp edi, tasks_end
    jb .next
    pop edi
    ret

    section .bss
    alignb 4
fat_start: resd 1                       ; sectors of the disk
fat_root: resd 1
fat_data: resd 1
fat_root_entries: resd 1
fat_cluster_sectors: resd 1
fat_cached: resd 1                      ; the sector of the table that is in fat_sector
fat_sector: resb 512
fat_found: resd 1
fat_size: resd 1
dir_files: resd 1
dir_bytes: resd 1
run_name: resd 1
run_cluster: resd 1
run_exit: resd 1
run_label: resb 16
fat_name: resb 11
fat_is_mounted: resb 1
run_in_background: resb 1
    alignb 4
    section .text
