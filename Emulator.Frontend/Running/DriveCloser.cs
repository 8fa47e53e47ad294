using Emulator.Devices;
using Emulator.Devices.Storage;

namespace Emulator.Frontend.Running;

/// <summary>Closes the images of a machine's drives at the end of a run.</summary>
internal sealed class DriveCloser(PcMachine machine) : IDisposable
{
    /// <summary>Writes out what is cached.</summary>
    /// <exception cref="UsageException">The host cannot write.</exception>
    public void Dispose()
    {
        try
        {
            machine.CloseDrives();
        }
        catch (StorageException e)
        {
            throw new UsageException(e.Message, e);
        }
    }
}
