using Emulator.Devices;
using Emulator.Devices.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Loaders;

/// <summary>Damages a good kernel in random places: each result must load, or be refused with one line, and nothing else may happen.</summary>
internal static class LoaderFuzz
{
    /// <summary>Runs the test.</summary>
    /// <param name="image">The good kernel.</param>
    /// <param name="seed">Seed, printed when a round fails.</param>
    /// <param name="rounds">Number of damaged kernels.</param>
    /// <param name="header">Offsets that are worth damaging most.</param>
    public static void Run(byte[] image, int seed, int rounds, IEnumerable<int> header)
    {
        int[] places = [.. header];
        Random random = new(seed);
        byte[] interesting = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF];
        PcMachine target = new(new PcMachineConfig { RamSize = 32 << 20 });
        LoaderMachine machine = new(32 << 20);
        int loaded = 0;
        for (int round = 0; round < rounds; round++)
        {
            byte[] damaged = [.. image];
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                int at = random.Next(4) == 0 ? random.Next(damaged.Length) : places[random.Next(places.Length)];
                damaged[at] = random.Next(2) == 0 ? interesting[random.Next(interesting.Length)] : (byte)random.Next(256);
            }

            if (random.Next(4) == 0)
            {
                Array.Resize(ref damaged, random.Next(1, damaged.Length + 100));
            }

            try
            {
                BootFiles files = new() { Kernel = new GuestFile("kernel", damaged), Initrd = "module", InitrdFiles = [new GuestFile("module", [1])] };
                files.CreateImage(machine)!.Install(target.Cpu);
                loaded++;
            }
            catch (LoaderException e)
            {
                Assert.That(e.Message, Does.Match("^[^\n]+$"), $"seed {seed} round {round}");
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed} round {round}: {e}");
            }
        }

        Assert.That(loaded, Is.InRange(1, rounds - 1), "some damage is harmless, some is not");
    }
}
