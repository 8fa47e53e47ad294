using System.Globalization;
using System.Text.Json;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Core.Snapshot;
using Emulator.Devices.Loaders;
using Emulator.Devices.Storage;
using Emulator.Devices.Vga;

namespace Emulator.Devices.Snapshot;

/// <summary>The configuration chunk of a snapshot: JSON that says from what the machine was built.</summary>
internal static class SnapshotConfiguration
{
    public const int Version = 1;

    private const int RomMaximum = 64;

    /// <summary>Name of the chunk of a boot file.</summary>
    public static string FileChunk(int index) => string.Create(CultureInfo.InvariantCulture, $"file.{index}");

    /// <summary>All boot files in the order of their chunks.</summary>
    public static IReadOnlyList<GuestFile> Files(BootFiles boot)
    {
        List<GuestFile> files = [];
        if (boot.Kernel is not null)
        {
            files.Add(boot.Kernel);
        }

        files.AddRange(boot.InitrdFiles);
        files.AddRange(boot.Roms.Select(r => r.File));
        if (boot.Firmware is not null)
        {
            files.Add(boot.Firmware);
        }

        if (boot.VideoRom is not null)
        {
            files.Add(boot.VideoRom);
        }

        files.AddRange(boot.OptionRoms);
        return files;
    }

    public static byte[] Write(PcMachine machine)
    {
        PcMachineConfig config = machine.Config;
        BootFiles boot = machine.Boot;
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteNumber("ram", config.RamSize);
            json.WriteString("cpu", config.Cpu.Name);
            json.WriteString("clock", config.Clock == ClockMode.Host ? "host" : "icount");
            json.WriteString("rtcBase", config.RtcBase.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff", CultureInfo.InvariantCulture));
            json.WriteString("vga", config.Vga == VgaKind.None ? "none" : "std");
            json.WriteNumber("serialPorts", config.SerialPorts);
            json.WriteNumber("serialTransmitLimit", config.SerialTransmitLimit);
            json.WriteNumber("debugExitPort", config.DebugExitPort ?? -1);
            json.WriteNumber("debugExitSize", config.DebugExitSize);
            WriteFirmwareOptions(json, config);
            json.WriteBoolean("attached", machine.IsBootable);
            if (machine.BuiltInFirmwareChecksum is { } checksum)
            {
                json.WriteNumber("builtInFirmware", checksum);
            }

            if (boot.Firmware is not null)
            {
                json.WriteString("firmware", boot.Firmware.Name);
            }

            if (boot.Kernel is not null)
            {
                json.WriteString("kernel", boot.Kernel.Name);
            }

            if (boot.Initrd is not null)
            {
                json.WriteString("initrd", boot.Initrd);
            }

            if (boot.VideoRom is not null)
            {
                json.WriteString("videoRom", boot.VideoRom.Name);
            }

            if (boot.OptionRoms.Count != 0)
            {
                json.WriteStartArray("optionRoms");
                foreach (GuestFile file in boot.OptionRoms)
                {
                    json.WriteStringValue(file.Name);
                }

                json.WriteEndArray();
            }

            if (boot.KernelByBuiltInFirmware)
            {
                json.WriteBoolean("kernelByFirmware", true);
            }

            json.WriteString("commandLine", boot.CommandLine);
            json.WriteStartArray("initrdFiles");
            foreach (GuestFile file in boot.InitrdFiles)
            {
                json.WriteStringValue(file.Name);
            }

            json.WriteEndArray();
            json.WriteStartArray("roms");
            foreach (RomImage rom in boot.Roms)
            {
                json.WriteStartObject();
                json.WriteString("name", rom.File.Name);
                json.WriteNumber("address", rom.Address);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (config.Drives.Count != 0)
            {
                WriteDrives(json, config.Drives);
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    public static (PcMachineConfig Config, BootFiles Boot) Read(JsonElement json, Func<int, byte[]> readFile)
    {
        string cpu = Text(json, "cpu");
        int exitPort = json.GetProperty("debugExitPort").GetInt32();
        PcMachineConfig config = new()
        {
            RamSize = json.GetProperty("ram").GetUInt32(),
            Cpu = CpuModel.Find(cpu) ?? throw new SnapshotException($"was saved with the CPU model '{cpu}', which does not exist"),
            RtcBase = DateTime.ParseExact(Text(json, "rtcBase"), "yyyy-MM-dd'T'HH:mm:ss.fffffff", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
            Vga = json.TryGetProperty("vga", out JsonElement vga) && vga.GetString() == "std" ? VgaKind.Standard : VgaKind.None,
            SerialPorts = json.GetProperty("serialPorts").GetInt32(),
            SerialTransmitLimit = json.GetProperty("serialTransmitLimit").GetInt64(),
            DebugExitPort = exitPort < 0 ? null : (ushort)exitPort,
            DebugExitSize = json.GetProperty("debugExitSize").GetInt32(),
            Clock = Text(json, "clock") == "host" ? ClockMode.Host : ClockMode.InstructionCount,
            Drives = json.TryGetProperty("drives", out JsonElement drives) ? ReadDrives(drives) : [],
        };
        config = ReadFirmwareOptions(json, config);
        Check(config.RamSize is >= 1 << 20 and <= PhysicalMemory.MaximumRam && config.RamSize % PhysicalMemory.PageSize == 0, "ram");
        Check(config.RtcBase.Year is >= 1980 and <= 2099, "rtcBase");
        Check(config.SerialPorts is >= 0 and <= 4, "serialPorts");
        Check(config.SerialTransmitLimit >= 1, "serialTransmitLimit");
        Check(config.DebugExitSize is 1 or 2 or 4 && exitPort >= -1 && exitPort + config.DebugExitSize <= 0x10000, "debugExitPort");

        int index = 0;
        GuestFile File(string name) => new(name, readFile(index++));
        GuestFile? kernel = json.TryGetProperty("kernel", out JsonElement kernelName) ? File(kernelName.GetString() ?? "") : null;
        List<GuestFile> initrdFiles = [];
        foreach (JsonElement name in json.GetProperty("initrdFiles").EnumerateArray())
        {
            initrdFiles.Add(File(name.GetString() ?? ""));
        }

        List<RomImage> roms = [];
        foreach (JsonElement rom in json.GetProperty("roms").EnumerateArray())
        {
            Check(roms.Count < RomMaximum, "roms");
            roms.Add(new RomImage(File(Text(rom, "name")), rom.GetProperty("address").GetUInt32()));
        }

        GuestFile? firmware = json.TryGetProperty("firmware", out JsonElement firmwareName) ? File(firmwareName.GetString() ?? "") : null;
        GuestFile? videoRom = json.TryGetProperty("videoRom", out JsonElement videoName) ? File(videoName.GetString() ?? "") : null;
        List<GuestFile> optionRoms = [];
        if (json.TryGetProperty("optionRoms", out JsonElement optionNames))
        {
            foreach (JsonElement name in optionNames.EnumerateArray())
            {
                Check(optionRoms.Count < RomMaximum, "optionRoms");
                optionRoms.Add(File(name.GetString() ?? ""));
            }
        }

        BootFiles boot = new()
        {
            Firmware = firmware,
            OptionRoms = optionRoms,
            KernelByBuiltInFirmware = json.TryGetProperty("kernelByFirmware", out JsonElement byFirmware) && byFirmware.GetBoolean(),
            VideoRom = videoRom,
            Kernel = kernel,
            Initrd = json.TryGetProperty("initrd", out JsonElement initrd) ? initrd.GetString() : null,
            InitrdFiles = initrdFiles,
            CommandLine = Text(json, "commandLine"),
            Roms = roms,
        };
        return (config, boot);
    }

    /// <summary>Whether the machine had something to start from (<see cref="PcMachine.Attach"/>).</summary>
    public static bool WasAttached(JsonElement json) => json.GetProperty("attached").GetBoolean();

    /// <summary>A guest inside of the built-in firmware cannot go on in another ROM.</summary>
    public static void CheckFirmware(JsonElement json, PcMachine machine)
    {
        if (machine.BuiltInFirmwareChecksum is { } checksum && (!json.TryGetProperty("builtInFirmware", out JsonElement saved) || saved.GetUInt32() != checksum))
        {
            throw new SnapshotException("was saved with another version of the built-in firmware");
        }
    }

    private static void WriteFirmwareOptions(Utf8JsonWriter json, PcMachineConfig config)
    {
        json.WriteString("bootOrder", config.BootOrder);
        json.WriteStartArray("bootDevices");
        foreach (string path in config.BootDevices)
        {
            json.WriteStringValue(path);
        }

        json.WriteEndArray();
        json.WriteBoolean("bootMenu", config.BootMenu);
        json.WriteNumber("bootMenuWait", config.BootMenuWait ?? -1);
        json.WriteNumber("bootRetryWait", config.BootRetryWait ?? -1);
        json.WriteBoolean("firmwareOnSerial", config.FirmwareOnSerial);
    }

    private static PcMachineConfig ReadFirmwareOptions(JsonElement json, PcMachineConfig config)
    {
        const int DeviceMaximum = 64;
        if (!json.TryGetProperty("bootOrder", out JsonElement order))
        {
            return config; // saved before there was firmware
        }

        int wait = json.GetProperty("bootMenuWait").GetInt32();
        int retry = json.GetProperty("bootRetryWait").GetInt32();
        Check(retry is >= -1 and <= ushort.MaxValue, "bootRetryWait");
        JsonElement devices = json.GetProperty("bootDevices");
        Check(devices.GetArrayLength() <= DeviceMaximum, "bootDevices");
        Check(wait is >= -1 and <= ushort.MaxValue, "bootMenuWait");
        return config with
        {
            BootOrder = order.GetString() ?? "",
            BootDevices = [.. devices.EnumerateArray().Select(d => d.GetString() ?? "")],
            BootMenu = json.GetProperty("bootMenu").GetBoolean(),
            BootMenuWait = wait < 0 ? null : wait,
            BootRetryWait = retry < 0 ? null : retry,
            FirmwareOnSerial = json.GetProperty("firmwareOnSerial").GetBoolean(),
        };
    }

    /// <summary>Throws when an image is not as it was when the machine was saved; the images are open.</summary>
    public static void CheckDrives(JsonElement json, PcMachineConfig config)
    {
        if (!json.TryGetProperty("drives", out JsonElement drives))
        {
            return;
        }

        foreach ((JsonElement saved, Drive drive) in drives.EnumerateArray().Zip(config.Drives))
        {
            if (drive.Options.File is { } file && saved.GetProperty("modified").GetInt64() is var modified
                && (drive.Image!.SectorCount != saved.GetProperty("sectors").GetInt64() || (modified != 0 && modified != ModificationTime(file))))
            {
                throw new SnapshotException($"{file} has changed since then; the guest would find another disk than it left");
            }
        }
    }

    private static long ModificationTime(string file) => File.Exists(file) ? File.GetLastWriteTimeUtc(file).Ticks : 0;

    private static void WriteDrives(Utf8JsonWriter json, IReadOnlyList<Drive> drives)
    {
        json.WriteStartArray("drives");
        foreach (Drive drive in drives.OrderBy(d => d.Options, DriveOptions.ByPlace))
        {
            DriveOptions options = drive.Options.WithFullPath();
            json.WriteStartObject();
            json.WriteString("interface", options.Interface.ToString());
            json.WriteNumber("index", options.Index);
            json.WriteString("media", options.Media.ToString());
            if (options.File is { } file)
            {
                json.WriteString("file", file);
                json.WriteNumber("sectors", drive.Image?.SectorCount ?? 0);
                json.WriteNumber("modified", ModificationTime(file));
            }

            if (options.Format is not null)
            {
                json.WriteString("format", options.Format);
            }

            json.WriteBoolean("readOnly", options.ReadOnly);
            json.WriteBoolean("snapshot", options.Snapshot);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static List<Drive> ReadDrives(JsonElement json)
    {
        List<Drive> drives = [];
        HashSet<(DriveInterface, int)> used = [];
        foreach (JsonElement element in json.EnumerateArray())
        {
            DriveOptions options = new()
            {
                Interface = Enum.TryParse(Text(element, "interface"), out DriveInterface place) ? place : (DriveInterface)(-1),
                Index = element.GetProperty("index").GetInt32(),
                Media = Enum.TryParse(Text(element, "media"), out DriveMedia media) ? media : (DriveMedia)(-1),
                File = element.TryGetProperty("file", out JsonElement file) ? file.GetString() : null,
                Format = element.TryGetProperty("format", out JsonElement format) ? format.GetString() : null,
                ReadOnly = element.GetProperty("readOnly").GetBoolean(),
                Snapshot = element.GetProperty("snapshot").GetBoolean(),
            };
            Check(Enum.IsDefined(options.Interface) && Enum.IsDefined(options.Media) && options.Index >= 0 && options.Index < DriveOptions.PlacesOf(options.Interface)
                && used.Add((options.Interface, options.Index)), "drives");
            Check(options.File is not null || options.Media == DriveMedia.CdRom || options.Interface == DriveInterface.Floppy, "drives");
            drives.Add(new Drive(options));
        }

        return drives;
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? throw new SnapshotException($"the configuration lacks '{name}'");

    private static void Check(bool valid, string name)
    {
        if (!valid)
        {
            throw new SnapshotException($"'{name}' of the configuration is out of range");
        }
    }
}
