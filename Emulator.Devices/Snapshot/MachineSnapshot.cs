using System.Globalization;
using System.Text.Json;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Snapshot;
using Emulator.Devices.Firmware;
using Emulator.Devices.Loaders;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using Microsoft.Extensions.Logging;

namespace Emulator.Devices.Snapshot;

/// <summary>
/// Saves a whole machine to a file, and builds a machine from such a file. The chunks are: the configuration, the boot files, RAM, the CPU,
/// the clock, every chip, and the timers. A machine that was loaded goes on exactly as the saved one.
/// </summary>
public static class MachineSnapshot
{
    private const string ConfigurationChunk = "configuration";
    private const string ClockChunk = "clock";
    private const string TimersChunk = "timers";
    private const int ConfigurationMaximum = 1 << 20;
    private const int ComponentMaximum = FirmwareConfig.MaximumItem + (64 << 20);

    /// <summary>Saves a machine; call between two instructions.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="path">The file; it is replaced in one step when everything is written.</param>
    /// <exception cref="SnapshotException">The file cannot be written.</exception>
    public static void Save(PcMachine machine, string path)
    {
        ArgumentNullException.ThrowIfNull(machine);
        FlushDrives(machine);
        using SnapshotWriter writer = new(path);
        writer.Add(ConfigurationChunk, SnapshotConfiguration.Version, SnapshotConfiguration.Write(machine));
        IReadOnlyList<GuestFile> files = SnapshotConfiguration.Files(machine.Boot);
        for (int i = 0; i < files.Count; i++)
        {
            byte[] data = files[i].Data;
            writer.AddPacked(SnapshotConfiguration.FileChunk(i), 1, data.Length, stream => stream.Write(data));
        }

        RamImage.Save(machine.Memory, writer);
        foreach (Part part in Parts(machine))
        {
            StateArchive archive = new(part.Name, part.Version);
            part.Serialize(archive);
            writer.Add(part.Name, part.Version, archive.ToArray());
        }

        foreach ((string name, OverlayImage overlay) in Overlays(machine))
        {
            writer.AddPacked(name, 1, overlay.SavedLength, overlay.Save);
        }

        writer.Commit();
    }

    /// <summary>Builds the machine that a file holds.</summary>
    /// <param name="path">The file; its contents are not trusted.</param>
    /// <param name="configure">Adjusts the saved configuration to this host: the clock and its time source, whether a reset ends the
    /// run. What the guest can see must stay.</param>
    /// <param name="loggerFactory">Receives diagnostics; null for none.</param>
    /// <exception cref="SnapshotException">The file cannot be read, is damaged, or does not describe a machine of this program.</exception>
    public static PcMachine Load(string path, Func<PcMachineConfig, PcMachineConfig> configure, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(configure);
        using SnapshotReader reader = new(path);
        PcMachine? machine = null;
        bool complete = false;
        try
        {
            (PcMachineConfig saved, BootFiles boot) = ReadConfiguration(reader);
            machine = new PcMachine(configure(saved), loggerFactory);
            bool attached = ReadConfiguration(reader, json =>
            {
                SnapshotConfiguration.CheckDrives(json, machine.Config);
                return SnapshotConfiguration.WasAttached(json);
            });
            if (attached)
            {
                machine.Attach(boot);
            }

            ReadConfiguration(reader, json =>
            {
                SnapshotConfiguration.CheckFirmware(json, machine);
                return true;
            });
            LoadParts(reader, machine, boot);
            complete = true;
            return machine;
        }
        catch (SnapshotException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new SnapshotException($"{path}: {e.Message}", e);
        }
        catch (Exception e) when (e is LoaderException or StorageException)
        {
            throw new SnapshotException($"{path}: {e.Message}", e);
        }
        catch (OutOfMemoryException e)
        {
            throw new SnapshotException($"{path}: the host has not enough memory for this machine", e);
        }
        finally
        {
            if (!complete)
            {
                machine?.CloseDrives();
            }
        }
    }

    /// <summary>The configuration and the boot files of a snapshot, for a comparison with what a command line says.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SnapshotException">The file cannot be read or is damaged.</exception>
    public static (PcMachineConfig Config, BootFiles Boot) ReadConfiguration(string path)
    {
        using SnapshotReader reader = new(path);
        try
        {
            return ReadConfiguration(reader);
        }
        catch (SnapshotException e) when (!e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new SnapshotException($"{path}: {e.Message}", e);
        }
    }

    private static (PcMachineConfig Config, BootFiles Boot) ReadConfiguration(SnapshotReader reader) =>
        ReadConfiguration(reader, json => SnapshotConfiguration.Read(json, index => reader.Read(SnapshotConfiguration.FileChunk(index), int.MaxValue)));

    private static T ReadConfiguration<T>(SnapshotReader reader, Func<JsonElement, T> read)
    {
        byte[] json = reader.Read(ConfigurationChunk, ConfigurationMaximum);
        if (reader.Chunks[ConfigurationChunk].Version != SnapshotConfiguration.Version)
        {
            throw new SnapshotException($"the configuration has version {reader.Chunks[ConfigurationChunk].Version}; this program reads version {SnapshotConfiguration.Version}");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new SnapshotException("the configuration is damaged", e);
        }
    }

    private static void LoadParts(SnapshotReader reader, PcMachine machine, BootFiles boot)
    {
        List<Part> parts = Parts(machine);
        HashSet<string> known = [ConfigurationChunk, RamImage.ChunkName, .. parts.Select(p => p.Name)];
        for (int i = 0; i < SnapshotConfiguration.Files(boot).Count; i++)
        {
            known.Add(SnapshotConfiguration.FileChunk(i));
        }

        known.UnionWith(Overlays(machine).Select(o => o.Name));
        string? unknown = reader.Chunks.Keys.FirstOrDefault(name => !known.Contains(name));
        if (unknown is not null)
        {
            throw new SnapshotException($"has a part '{unknown}' that this machine lacks");
        }

        RamImage.Load(machine.Memory, reader);
        foreach (Part part in parts)
        {
            byte[] data = reader.Read(part.Name, ComponentMaximum);
            int version = reader.Chunks[part.Name].Version;
            if (version > part.Version || version < 1)
            {
                throw new SnapshotException($"part '{part.Name}' has version {version}; this program reads up to {part.Version}");
            }

            part.Serialize(new StateArchive(part.Name, version, data));
        }

        foreach ((string name, OverlayImage overlay) in Overlays(machine))
        {
            if (!overlay.Load(reader.Read(name, int.MaxValue)))
            {
                throw new SnapshotException($"part '{name}' is damaged");
            }
        }
    }

    /// <summary>What the temporary overlays of drives hold is part of the machine.</summary>
    private static IEnumerable<(string Name, OverlayImage Overlay)> Overlays(PcMachine machine)
    {
        foreach (Drive drive in machine.Config.Drives)
        {
            if (drive.Overlay is { } overlay)
            {
                yield return (string.Create(CultureInfo.InvariantCulture, $"overlay.{drive.Options.Interface}.{drive.Options.Index}"), overlay);
            }
        }
    }

    private static void FlushDrives(PcMachine machine)
    {
        machine.SettleDrives();
        try
        {
            foreach (Drive drive in machine.Config.Drives)
            {
                drive.Image?.Flush();
            }
        }
        catch (StorageException e)
        {
            throw new SnapshotException(e.Message, e);
        }
    }

    /// <summary>In the order of saving and loading: the clock counts the CPU's instructions, and timers come last.</summary>
    private static List<Part> Parts(PcMachine machine)
    {
        List<Part> parts = [new(machine.Cpu.StateId, machine.Cpu.StateVersion, machine.Cpu.Serialize), new(ClockChunk, 1, machine.Clock.Serialize)];
        foreach (IMachineComponent component in machine.Components.Where(c => c != machine.BiosPorts || machine.HasBuiltInFirmware))
        {
            parts.Add(new Part(component.StateId, component.StateVersion, component.Serialize));
        }

        parts.Add(new Part(TimersChunk, 1, machine.Events.Serialize));
        return parts;
    }

    private sealed record Part(string Name, int Version, Action<StateArchive> Serialize);
}
