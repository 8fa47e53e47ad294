using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Snapshot;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>Files of -option-rom: their initialization, boot connection vectors, boot entry vectors.</summary>
internal sealed unsafe class OptionRomTests
{
    private const byte FarReturn = 0xCB;
    private static readonly byte[] Halt = [0xFA, 0xF4];

    // PUSH AX; MOV AL, letter; OUT E9h, AL; POP AX; RETF
    private static byte[] Say(char letter) => [0x50, 0xB0, (byte)letter, 0xE6, 0xE9, 0x58, FarReturn];

    private static (PcMachine Machine, StringBuilder Console) Create(PcMachineConfig config, params byte[][] roms)
    {
        PcMachine machine = new(config with { RamSize = 4 << 20 });
        StringBuilder console = new();
        machine.DebugPorts.Console = b => console.Append((char)b);
        machine.Attach(new BootFiles { OptionRoms = [.. roms.Select((r, i) => new GuestFile($"rom{i}", r))] });
        return (machine, console);
    }

    private static Drive Floppy(byte[] image) => new(new DriveOptions { Interface = DriveInterface.Floppy, File = "test" }, new MemoryImage(image));

    [Test]
    public void All_are_initialized_then_connected_and_their_entries_are_tried_last_in_order()
    {
        (PcMachine machine, StringBuilder console) = Create(
            new PcMachineConfig { BootOrder = "a", Drives = [Floppy(new byte[1440 << 10])] },
            OptionRomImage.Create(Say('1'), Say('a'), Say('x'), "First"u8),
            OptionRomImage.Create(Say('2'), [], [], "Second"u8),
            OptionRomImage.Create(Say('3'), Say('b'), [.. Say('y')[..^1], .. Halt], "Third"u8));
        Assert.That(machine.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(console.ToString(), Is.EqualTo("123abxy"));
        Assert.That(CpuState.Segment(machine.Cpu.State, SegmentIndex.Cs)->Selector, Is.EqualTo(0xC900));
        Assert.That((ushort)CpuState.R32(machine.Cpu.State, 3), Is.EqualTo(OptionRomImage.EntryVector), "entered by its far address");
    }

    [Test]
    public void Entry_that_leaves_by_int_18h_is_followed_by_the_next()
    {
        (PcMachine machine, StringBuilder console) = Create(
            new PcMachineConfig { BootOrder = "na", Drives = [Floppy([.. Halt, .. new byte[(1440 << 10) - 2]])] },
            OptionRomImage.Create(Say('1'), [], [.. Say('x')[..^1], 0xCD, 0x18], "First"u8));
        Assert.That(machine.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(console.ToString(), Is.EqualTo("1x"));
        Assert.That(machine.Cpu.State->Eip, Is.EqualTo(0x7C02));
    }

    /// <summary>The ROM hooks INT 13h and counts its disk; its INT 13h answers every call with a sector that halts.</summary>
    [Test]
    public void Disk_that_a_connection_vector_adds_is_booted()
    {
        byte[] connect =
        [
            0x1E, 0x50, // PUSH DS; PUSH AX
            0x31, 0xC0, 0x8E, 0xD8, // XOR AX, AX; MOV DS, AX
            0xC7, 0x06, 0x4C, 0x00, 0x40, 0x01, // MOV WORD [4Ch], 140h
            0x8C, 0x0E, 0x4E, 0x00, // MOV [4Eh], CS
            0xFE, 0x06, 0x75, 0x04, // INC BYTE [475h]
            0x58, 0x1F, FarReturn,
        ];
        byte[] int13 =
        [
            0x80, 0xFA, 0x80, 0x75, 0x13, // CMP DL, 80h; JNE failed
            0x26, 0xC7, 0x07, 0xFA, 0xF4, // MOV WORD [ES:BX], F4FAh
            0x26, 0xC7, 0x87, 0xFE, 0x01, 0x55, 0xAA, // MOV WORD [ES:BX+1FEh], AA55h
            0xB8, 0x01, 0x00, 0xF8, // MOV AX, 1; CLC
            0xCA, 0x02, 0x00, // RETF 2
            0xF9, 0xCA, 0x02, 0x00, // failed: STC; RETF 2
        ];
        byte[] code = new byte[0x80];
        connect.CopyTo(code, 0);
        int13.CopyTo(code, 0x40);
        (PcMachine machine, _) = Create(new PcMachineConfig { BootOrder = "c" }, OptionRomImage.Create(Say('1'), code, [], "Disk"u8));
        Assert.That(machine.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(machine.Cpu.State->Eip, Is.EqualTo(0x7C02));
        Assert.That((byte)CpuState.R32(machine.Cpu.State, 2), Is.EqualTo(0x80));
    }

    [Test]
    public void Menu_lists_entries_by_their_names()
    {
        (PcMachine machine, _) = Create(
            new PcMachineConfig { BootMenu = true, BootOrder = "c" },
            OptionRomImage.Create(Say('1'), [], Halt, "First"u8),
            OptionRomImage.Create(Say('2'), [], Halt, "Second"u8));
        StringBuilder log = new();
        machine.DebugPorts.FirmwareLog = b => log.Append((char)b);
        machine.Run(200);
        machine.Keyboard.TypeText("\e");
        machine.Run(100_000);
        Assert.That(log.ToString(), Does.Contain("First\r\n").And.Contain("Second\r\n"));
        int number = log.ToString().Split('\n').Select(l => l.Trim()).First(l => l.EndsWith("Second", StringComparison.Ordinal))[0] - '0';
        machine.Keyboard.TypeText($"{number}");
        Assert.That(machine.Run(200_000).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(CpuState.Segment(machine.Cpu.State, SegmentIndex.Cs)->Selector, Is.EqualTo(0xC880));
    }

    [Test]
    public void Saved_machine_keeps_its_option_roms()
    {
        string folder = Directory.CreateTempSubdirectory("emu-test").FullName;
        try
        {
            string file = Path.Combine(folder, "state");
            (PcMachine machine, _) = Create(new PcMachineConfig { BootOrder = "c" }, OptionRomImage.Create(Say('1'), [], [.. Say('x')[..^1], .. Halt], "First"u8));
            machine.Run(20);
            MachineSnapshot.Save(machine, file);
            PcMachine loaded = MachineSnapshot.Load(file, c => c);
            Assert.That(loaded.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
            Assert.That(machine.Run(100_000).Reason, Is.EqualTo(RunReason.Halted));
            Assert.That(loaded.Cpu.Retired, Is.EqualTo(machine.Cpu.Retired));
            Assert.That(loaded.Boot.OptionRoms, Has.Count.EqualTo(1));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void Files_that_are_no_option_roms_are_refused()
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 4 << 20 });
        Assert.That(() => machine.Attach(new BootFiles { OptionRoms = [new GuestFile("x", new byte[512])] }), Throws.TypeOf<LoaderException>());
    }
}
